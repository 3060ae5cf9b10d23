// Whether a part of the desktop does what it is there for. Each answers within the deadline, loop thread
// only.
#pragma once
#include <cstdint>
#include <string>

#include "libs/net/loop.h"

namespace dt::daemon::desktop {

Task<bool> display_serves(std::string display, Mono deadline);
Task<bool> window_manager_runs(std::string display, Mono deadline);
// xfce4-session has started all that belongs to it; also true of sessions that do not tell.
Task<bool> session_settled(std::string session_bus, Mono deadline);
// Somebody listens at a D-Bus address.
Task<bool> bus_serves(std::string address, Mono deadline);
// The accessibility bus that the session bus names takes connections.
Task<bool> accessibility_bus_serves(std::string session_bus, Mono deadline);
// Something listens on 127.0.0.1, and begins with `greeting` when that is not empty.
Task<bool> port_answers(uint16_t port, std::string greeting, Mono deadline);

}  // namespace dt::daemon::desktop
