// /lsp/…: language servers (toolbox.md §18).
#pragma once
#include <vector>

#include "apps/daemon/lsp/workspaces.h"
#include "libs/net/router.h"

namespace dt::daemon {

// The workspaces must outlive the routes.
std::vector<Route> lsp_routes(lsp::Workspaces& workspaces);

}  // namespace dt::daemon
