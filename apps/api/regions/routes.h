// Reading regions (contract api-core §14).
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/regions/store.h"

namespace dt::api {

class RegionRoutes {
 public:
  explicit RegionRoutes(store::Database& db) : db_(db) {}
  std::vector<ApiRoute> table();

 private:
  Result<std::vector<contract::Region>> list(Call& call);
  Result<std::vector<contract::Region>> shared(Call& call);
  Result<contract::Region> get(Call& call);
  store::Database& db_;
};

}  // namespace dt::api
