#include "apps/daemon/desktop/program/accessibility/routes.h"

namespace dt::desktop {

std::vector<Route> accessibility_routes() { return {}; }

}  // namespace dt::desktop
