// From the property table to the config struct of each service: the only place that knows both.
#pragma once
#include "apps/api/api.h"
#include "apps/proxy/proxy.h"
#include "apps/runner/service/runner.h"
#include "apps/server/config.h"
#include "apps/server/secrets.h"

namespace dt::server {

Result<api::ApiConfig> api_config(const Config& config, const Secrets& secrets);
Result<runner::RunnerConfig> runner_config(const Config& config, const Secrets& secrets);
Result<proxy::ProxyConfig> proxy_config(const Config& config, const Secrets& secrets);
std::string api_key_file(const Config& config);  // where the first API key is written once

}  // namespace dt::server
