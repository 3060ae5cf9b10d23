// POST /process/execute and POST /process/code-run.
#pragma once
#include <vector>

#include "apps/daemon/process/command.h"
#include "libs/net/router.h"

namespace dt::daemon {

// The context must outlive the routes.
std::vector<Route> process_routes(ProcessContext& context);

inline constexpr size_t kJsonBodyLimit = 64u << 20;  // 413 beyond

}  // namespace dt::daemon
