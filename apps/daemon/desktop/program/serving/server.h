// The HTTP server of a desktop companion: serves the connections that the daemon hands over
// (../../handover.h), and nobody else, until the daemon closes the control socket and the last request has
// ended.
#pragma once
#include <vector>

#include "libs/net/router.h"

namespace dt::desktop {

// `control` must be non-blocking. Runs on the current loop.
Task<void> serve(Fd control, std::vector<Route> routes);

}  // namespace dt::desktop
