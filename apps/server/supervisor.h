// `daytona-server up`: all services of one machine as child processes of this program; one that dies is
// started again.
#pragma once
#include <string>
#include <vector>

#include "apps/server/config.h"

namespace dt::server {

// `arguments` are given to every child after its service name (so that all see the same configuration).
int run_up(const Config& config, const std::vector<std::string>& arguments);

}  // namespace dt::server
