// /computeruse: start, stop and the state of the desktop's processes (toolbox.md §21.3).
#pragma once
#include <vector>

#include "apps/daemon/desktop/desktop.h"
#include "libs/net/router.h"

namespace dt::daemon {

std::vector<Route> desktop_process_routes(desktop::Desktop& desktop);

}  // namespace dt::daemon
