// /version, /work-dir, /user-home-dir, /project-dir, /init and POST /env.
#pragma once
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"
#include "libs/net/router.h"

namespace dt::daemon {

// The context must outlive the routes.
std::vector<Route> info_routes(ProcessContext& context);

}  // namespace dt::daemon
