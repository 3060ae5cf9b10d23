// `daytona-server doctor`: what this host offers, in plain words, and what each lack costs.
#pragma once
#include "apps/server/config.h"

namespace dt::server {
// 0: everything needed is there; 1: something that is needed is missing.
int run_doctor(const Config& config);
}  // namespace dt::server
