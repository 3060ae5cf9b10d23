// POST /files/upload, /files/upload-v2, /files/bulk-upload: bodies go to disk while they arrive.
#pragma once
#include <vector>

#include "libs/net/loop.h"
#include "libs/net/router.h"

namespace dt::daemon {
std::vector<Route> upload_routes(WorkerPool& pool);  // the pool must outlive the routes
}
