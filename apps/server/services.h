// One function per service: settings, privileges, event loop, run until SIGTERM.
#pragma once
#include "apps/server/config.h"

namespace dt::server {

int run_api(const Config& config);
int run_runner(const Config& config);
int run_proxy(const Config& config);
int run_down(const Config& config);
int run_image_import(const Config& config, const std::string& source, const std::string& ref);

}  // namespace dt::server
