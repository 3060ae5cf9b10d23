// /process/pty: PTY sessions over HTTP and WebSocket (toolbox.md 15, clients.md 10.3).
#pragma once
#include <vector>

#include "apps/daemon/pty/sessions.h"
#include "libs/net/router.h"

namespace dt::daemon {

// The sessions must outlive the routes.
std::vector<Route> pty_routes(PtySessions& sessions);

}  // namespace dt::daemon
