// Accessibility of the desktop (toolbox §21.7): AT-SPI over D-Bus.
#pragma once
#include <vector>

#include "libs/net/router.h"

namespace dt::desktop {

// Call once, on the thread that runs the loop. What the routes need lives as long as the process.
std::vector<Route> accessibility_routes();

}  // namespace dt::desktop
