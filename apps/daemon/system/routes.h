// GET /port, GET /port/{port}/in-use, GET /system/metrics. Everything is read when it is asked for: nothing
// wakes an idle sandbox.
#pragma once
#include <vector>

#include "libs/net/loop.h"
#include "libs/net/router.h"

namespace dt::daemon {
std::vector<Route> system_routes(WorkerPool& pool);  // the pool must outlive the routes
}
