// /api-keys. The reference takes browser logins only here; a key may manage keys of its own owner, never with
// more permissions than it has itself.
#pragma once
#include <vector>

#include "apps/api/api_keys/service.h"
#include "apps/api/pipeline/route.h"

namespace dt::api {

class ApiKeyRoutes {
 public:
  explicit ApiKeyRoutes(ApiKeys& keys) : keys_(keys) {}
  std::vector<ApiRoute> table();

 private:
  Task<Result<contract::ApiKeyResponse>> create(Call& call, contract::CreateApiKey body);
  Result<std::vector<contract::ApiKeyListItem>> list(Call& call);
  Result<contract::ApiKeyListItem> current(Call& call);
  Result<contract::ApiKeyListItem> get(Call& call);
  Task<Result<void>> remove(Call& call);
  Task<Result<void>> remove_of(Call& call);
  ApiKeys& keys_;
};

}  // namespace dt::api
