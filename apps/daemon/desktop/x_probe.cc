#include "apps/daemon/desktop/x_probe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

constexpr size_t kReplyHead = 32;
constexpr size_t kLargestReply = 1u << 20;
constexpr uint8_t kInternAtom = 16, kGetProperty = 20;

// Numbers are sent in the order that the first byte of the connection names: ours.
template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
T get(std::string_view bytes, size_t at) {
  T value{};
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
constexpr size_t padded(size_t n) { return (n + 3) & ~size_t{3}; }

constexpr uint8_t byte_order() { return std::endian::native == std::endian::little ? 'l' : 'B'; }

std::string hello() {
  std::string out;
  put<uint8_t>(out, byte_order());
  put<uint8_t>(out, 0);
  put<uint16_t>(out, 11);                                         // protocol version
  for (int field = 0; field < 4; ++field) put<uint16_t>(out, 0);  // minor version, no authorisation, padding
  return out;
}

std::string intern_atom(std::string_view name) {
  std::string out;
  put<uint8_t>(out, kInternAtom);
  put<uint8_t>(out, 1);  // only if it exists
  put<uint16_t>(out, static_cast<uint16_t>(2 + padded(name.size()) / 4));
  put<uint16_t>(out, static_cast<uint16_t>(name.size()));
  put<uint16_t>(out, 0);
  out += name;
  out.resize(8 + padded(name.size()));
  return out;
}

std::string get_property(uint32_t window, uint32_t atom) {
  std::string out;
  put<uint8_t>(out, kGetProperty);
  put<uint8_t>(out, 0);  // keep it
  put<uint16_t>(out, 6);
  put<uint32_t>(out, window);
  put<uint32_t>(out, atom);
  put<uint32_t>(out, 0);  // of any type
  put<uint32_t>(out, 0);  // from its start
  put<uint32_t>(out, 4096);
  return out;
}

Task<Status> read_exactly(Stream& stream, std::string& out, size_t size, Mono deadline) {
  size_t have = out.size();
  out.resize(have + size);
  while (have < out.size()) {
    auto n = co_await stream.read_some({out.data() + have, out.size() - have}, deadline);
    if (!n) co_return std::unexpected(n.error());
    if (*n == 0) co_return fail(Code::closed, "the X server closed the connection");
    have += *n;
  }
  co_return Status{};
}

// The root window stands in the first screen, behind the vendor's name and the pixel formats.
uint32_t root_of(std::string_view greeting) {
  constexpr size_t kFixed = 32, kFormat = 8;
  size_t vendor = padded(get<uint16_t>(greeting, 16));
  size_t formats = get<uint8_t>(greeting, 21) * kFormat;
  return get<uint32_t>(greeting, kFixed + vendor + formats);
}

}  // namespace

std::optional<int> display_number(std::string_view display) {
  if (!display.starts_with(':')) return std::nullopt;
  display.remove_prefix(1);
  auto number = parse_int(display.substr(0, display.find('.')));
  if (!number || *number < 0 || *number > 65535) return std::nullopt;
  return static_cast<int>(*number);
}

Task<Result<XProbe>> XProbe::open(std::string display, Mono deadline) {
  auto number = display_number(display);
  if (!number) co_return fail(Code::bad_request, "DISPLAY=" + display + " is no display of this machine");
  Endpoint endpoint;
  endpoint.unix_path = "/tmp/.X11-unix/X" + std::to_string(*number);
  auto connected = co_await connect(std::move(endpoint), deadline);
  if (!connected) co_return std::unexpected(connected.error());
  Stream stream = std::move(*connected);
  auto sent = co_await stream.write_all(hello(), deadline);
  if (!sent) co_return std::unexpected(sent.error());
  std::string head;
  auto first = co_await read_exactly(stream, head, 8, deadline);
  if (!first) co_return std::unexpected(first.error());
  std::string greeting;
  auto rest = co_await read_exactly(stream, greeting, size_t{get<uint16_t>(head, 6)} * 4, deadline);
  if (!rest) co_return std::unexpected(rest.error());
  if (head[0] != 1) co_return fail(Code::forbidden, "the X server at " + display + " wants an authorisation");
  co_return XProbe(std::move(stream), root_of(greeting));
}

// The next reply; events that come in between are skipped.
Task<Result<std::string>> XProbe::reply(Mono deadline) {
  for (;;) {
    std::string out;
    auto head = co_await read_exactly(stream_, out, kReplyHead, deadline);
    if (!head) co_return std::unexpected(head.error());
    if (out[0] == 0) co_return fail(Code::io, "the X server refused a request");
    if (out[0] != 1) continue;
    size_t more = size_t{get<uint32_t>(out, 4)} * 4;
    if (more > kLargestReply) co_return fail(Code::io, "the X server sends more than was asked for");
    auto rest = co_await read_exactly(stream_, out, more, deadline);
    if (!rest) co_return std::unexpected(rest.error());
    co_return out;
  }
}

Task<Result<std::string>> XProbe::root_property(std::string name, Mono deadline) {
  auto found = co_await property(root_, std::move(name), deadline);
  co_return found;
}

Task<Result<std::string>> XProbe::property(uint32_t window, std::string name, Mono deadline) {
  auto asked = co_await stream_.write_all(intern_atom(name), deadline);
  if (!asked) co_return std::unexpected(asked.error());
  auto interned = co_await reply(deadline);
  if (!interned) co_return std::unexpected(interned.error());
  uint32_t atom = get<uint32_t>(*interned, 8);
  if (atom == 0) co_return fail(Code::not_found, name + " is not set");
  auto sent = co_await stream_.write_all(get_property(window, atom), deadline);
  if (!sent) co_return std::unexpected(sent.error());
  auto answer = co_await reply(deadline);
  if (!answer) co_return std::unexpected(answer.error());
  if (get<uint32_t>(*answer, 8) == 0) co_return fail(Code::not_found, name + " is not set");
  size_t unit = get<uint8_t>(*answer, 1) / 8;
  size_t size = std::min<size_t>(get<uint32_t>(*answer, 16) * unit, answer->size() - kReplyHead);
  co_return answer->substr(kReplyHead, size);
}

}  // namespace dt::daemon::desktop
