// Listening TCP ports of this network namespace, IPv4 and IPv6. Blocks (reads /proc).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace dt::daemon {

std::vector<uint16_t> listening_ports();  // sorted, each once
// The port of one line of /proc/net/tcp or tcp6 when it is of a listening socket.
std::optional<uint16_t> listening_port_of(std::string_view line);

}  // namespace dt::daemon
