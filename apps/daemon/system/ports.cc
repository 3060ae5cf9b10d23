#include "apps/daemon/system/ports.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

// Line by line: the table of a sandbox with many connections is large.
template <class Fn>
void each_line(const char* path, Fn fn) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return;
  std::array<char, 16 * 1024> buffer;
  size_t filled = 0;
  for (;;) {
    ssize_t n = ::read(file->get(), buffer.data() + filled, buffer.size() - filled);
    if (n <= 0) return;
    filled += static_cast<size_t>(n);
    std::string_view text(buffer.data(), filled);
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
      fn(text.substr(0, end));
    if (text.size() == buffer.size()) return;  // no such line exists
    std::copy(text.begin(), text.end(), buffer.begin());
    filled = text.size();
  }
}

}  // namespace

std::optional<uint16_t> listening_port_of(std::string_view line) {
  // "  0: 0100007F:1F90 00000000:0000 0A …"
  std::array<std::string_view, 4> fields;
  for (std::string_view& field : fields) {
    while (line.starts_with(' ')) line.remove_prefix(1);
    size_t end = std::min(line.find(' '), line.size());
    field = line.substr(0, end);
    line.remove_prefix(end);
  }
  constexpr std::string_view kListen = "0A";
  std::string_view local = fields[1];
  size_t colon = local.rfind(':');
  if (fields[3] != kListen || colon == std::string_view::npos) return std::nullopt;
  uint16_t port = 0;
  const char* end = local.data() + local.size();
  auto parsed = std::from_chars(local.data() + colon + 1, end, port, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return port;
}

std::vector<uint16_t> listening_ports() {
  std::vector<uint16_t> ports;
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"})
    each_line(file, [&ports](std::string_view line) {
      if (auto port = listening_port_of(line)) ports.push_back(*port);
    });
  std::ranges::sort(ports);
  auto repeated = std::ranges::unique(ports);
  ports.erase(repeated.begin(), repeated.end());
  return ports;
}

}  // namespace dt::daemon
