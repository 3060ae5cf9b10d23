// Everything under /files.
#pragma once
#include <vector>

#include "libs/net/loop.h"
#include "libs/net/router.h"

namespace dt::daemon {
std::vector<Route> file_routes(WorkerPool& pool);  // the pool must outlive the routes
}
