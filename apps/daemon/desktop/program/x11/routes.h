// Computer use on X11: display, screenshot, mouse and keyboard (toolbox §21.4-§21.6) against the server that
// $DISPLAY names. Connects with the first request; a server that restarts is found again.
#pragma once
#include <vector>

#include "libs/net/router.h"

namespace dt::desktop {

// Call once, on the thread that runs the loop. What the routes need lives as long as the process.
std::vector<Route> x11_routes();

}  // namespace dt::desktop
