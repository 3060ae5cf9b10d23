// GET /health (alive) and /health/ready (the records answer); contract api-core §22. GET / says what this
// server is.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "libs/contract/platform.h"
#include "libs/store/db.h"

namespace dt::api {

class HealthRoutes {
 public:
  explicit HealthRoutes(store::Database& db) : db_(db) {}
  std::vector<ApiRoute> table();

 private:
  Result<contract::Health> alive(Call& call);
  Result<contract::Health> ready(Call& call);
  Result<PlainText> root(Call& call);
  store::Database& db_;
};

}  // namespace dt::api
