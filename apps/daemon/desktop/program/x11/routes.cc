#include "apps/daemon/desktop/program/x11/routes.h"

namespace dt::desktop {

std::vector<Route> x11_routes() { return {}; }

}  // namespace dt::desktop
