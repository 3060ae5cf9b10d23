#include "libs/dbus/address.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "libs/base/text.h"

namespace dt::dbus {
namespace {

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Code::bad_request, "D-Bus address \"" + std::string(text) + "\": " + std::string(why));
}

Result<std::map<std::string, std::string>> parse_values(std::string_view text) {
  std::map<std::string, std::string> values;
  if (text.empty()) return values;
  for (std::string_view item : split(text, ',')) {
    size_t equals = item.find('=');
    if (equals == 0 || equals == std::string_view::npos)
      return bad(text, "key=value belongs between the commas");
    TRY(std::string value, percent_decode(item.substr(equals + 1)));
    if (!values.emplace(item.substr(0, equals), std::move(value)).second)
      return bad(text, "a key is there twice");
  }
  return values;
}

Result<std::vector<Address>> parse_one(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return bad(text, "it begins with no transport");
  TRY(auto values, parse_values(text.substr(colon + 1)));
  std::vector<Address> out;
  if (text.substr(0, colon) != "unix") return out;
  if (values.contains("path") && values.contains("abstract"))
    return bad(text, "path and abstract exclude one another");
  for (const char* key : {"path", "abstract"})
    if (auto found = values.find(key); found != values.end() && !found->second.empty())
      out.push_back({found->second, key == std::string_view("abstract")});
  return out;
}

Result<Stream> try_connect(const Address& address) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  size_t offset = address.abstract ? 1 : 0;
  if (address.path.size() + 1 > sizeof to.sun_path)
    return bad(address.path, "the path is longer than 107 characters");
  memcpy(to.sun_path + offset, address.path.data(), address.path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket");
  // With the terminating zero for paths, with the leading one for abstract names.
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), size) == 0) return Stream(std::move(socket));
  int err = errno;
  Error error = errno_error("connect to the bus at " + address.path, err);
  error.code = err == EAGAIN ? Code::timeout : Code::unavailable;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::vector<Address>> parse_addresses(std::string_view text) {
  std::vector<Address> out;
  for (std::string_view one : split(text, ';')) {
    if (one.empty()) continue;
    TRY(auto found, parse_one(one));
    out.insert(out.end(), found.begin(), found.end());
  }
  if (out.empty())
    return fail(Code::unavailable, "D-Bus address \"" + std::string(text) +
                                       "\": only unix:path= and unix:abstract= can be connected to");
  return out;
}

Task<Result<Stream>> connect_to(Address address, Mono deadline) {
  for (;;) {
    auto stream = try_connect(address);
    // The queue of the listener is full: a Unix socket says so at once instead of waiting.
    bool full = !stream && stream.error().code == Code::timeout;
    if (!full || after(Millis(0)) >= deadline) co_return stream;
    co_await Loop::current().sleep_for(Millis(5));
  }
}

}  // namespace dt::dbus
