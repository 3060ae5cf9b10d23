// Whether a part of the desktop does what it is there for. Each answers within the deadline, loop thread
// only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/net/loop.h"

namespace dt::daemon::desktop {

Task<bool> display_serves(std::string display, Mono deadline);
Task<bool> window_manager_runs(std::string display, Mono deadline);
// The accessibility bus, as the root window names it, takes connections.
Task<bool> accessibility_bus_serves(std::string display, Mono deadline);
// Something listens on 127.0.0.1, and begins with `greeting` when that is not empty.
Task<bool> port_answers(uint16_t port, std::string greeting, Mono deadline);
// "unix:path=…" or "unix:abstract=…", with more behind a comma or semicolon.
bool bus_serves(std::string_view address);

}  // namespace dt::daemon::desktop
