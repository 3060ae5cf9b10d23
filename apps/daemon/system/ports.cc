#include "apps/daemon/system/ports.h"

#include <algorithm>
#include <charconv>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {

void parse_port_table(std::string_view table, std::vector<uint16_t>& out) {
  constexpr std::string_view kListen = "0A";
  for (std::string_view line : split(table, '\n')) {
    // "  0: 0100007F:1F90 00000000:0000 0A …"
    std::vector<std::string_view> fields;
    for (std::string_view field : split(trim(line), ' '))
      if (!field.empty()) fields.push_back(field);
    if (fields.size() < 4 || fields[3] != kListen) continue;
    std::string_view local = fields[1];
    size_t colon = local.rfind(':');
    if (colon == std::string_view::npos) continue;
    uint16_t port = 0;
    const char* end = local.data() + local.size();
    if (std::from_chars(local.data() + colon + 1, end, port, 16).ptr == end) out.push_back(port);
  }
}

std::vector<uint16_t> listening_ports() {
  std::vector<uint16_t> ports;
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (auto table = read_file(file)) parse_port_table(*table, ports);
  std::ranges::sort(ports);
  auto repeated = std::ranges::unique(ports);
  ports.erase(repeated.begin(), repeated.end());
  return ports;
}

}  // namespace dt::daemon
