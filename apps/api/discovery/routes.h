// GET /config: what clients need to know before they have a key (contract api-core §7).
#pragma once
#include <vector>

#include "apps/api/config/config.h"
#include "apps/api/pipeline/route.h"
#include "libs/contract/platform.h"

namespace dt::api {

class ConfigRoutes {
 public:
  explicit ConfigRoutes(const ApiConfig& config) : config_(config) {}
  std::vector<ApiRoute> table();

 private:
  Result<contract::Configuration> get(Call& call);
  const ApiConfig& config_;
};

}  // namespace dt::api
