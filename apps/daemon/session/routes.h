// /process/session and everything below it.
#pragma once
#include <vector>

#include "apps/daemon/session/sessions.h"
#include "libs/net/router.h"

namespace dt::daemon {

// `sessions` must outlive the routes.
std::vector<Route> session_routes(Sessions& sessions);

}  // namespace dt::daemon
