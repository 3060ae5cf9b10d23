// /process/interpreter/…: contexts, and the WebSocket that executes code in them (toolbox.md §12).
#pragma once
#include <vector>

#include "apps/daemon/interpreter/contexts.h"
#include "libs/net/router.h"

namespace dt::daemon {

// The contexts must outlive the routes.
std::vector<Route> interpreter_routes(interpreter::Contexts& contexts);

}  // namespace dt::daemon
