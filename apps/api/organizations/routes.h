// Reading organizations (contract api-core §10, §11.4).
#pragma once
#include <vector>

#include "apps/api/organizations/store.h"
#include "apps/api/pipeline/route.h"

namespace dt::api {

class OrganizationRoutes {
 public:
  explicit OrganizationRoutes(store::Database& db) : db_(db) {}
  std::vector<ApiRoute> table();

 private:
  Result<std::vector<contract::Organization>> list(Call& call);
  Result<contract::Organization> get(Call& call);
  Result<contract::OrganizationUsage> usage(Call& call);
  Result<OrganizationRecord> own(Call& call);
  store::Database& db_;
};

}  // namespace dt::api
