// GET /sandboxes/{id}/connection on the runner's Unix socket, with the runner's key: after the 101 the caller
// sends one byte, and gets one with a descriptor, a connection to the sandbox's daemon (docs/adr/010).
#pragma once
#include <string_view>

namespace dt::contract {

inline constexpr std::string_view kHandover = "descriptor";  // the Upgrade token
inline constexpr std::string_view kHandoverReady = "r";
inline constexpr std::string_view kHandoverMessage = "c";

}  // namespace dt::contract
