// Listening TCP ports of this network namespace, IPv4 and IPv6. Blocks (reads /proc).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace dt::daemon {

std::vector<uint16_t> listening_ports();  // sorted, each once
// Adds the listening ports of one table in the format of /proc/net/tcp.
void parse_port_table(std::string_view table, std::vector<uint16_t>& out);

}  // namespace dt::daemon
