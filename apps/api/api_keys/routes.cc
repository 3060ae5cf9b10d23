#include "apps/api/api_keys/routes.h"

namespace dt::api {

std::vector<ApiRoute> ApiKeyRoutes::table() {
  return {
      route({"POST", "/api-keys", any_user, 201}, this, &ApiKeyRoutes::create),
      route({"GET", "/api-keys", any_user}, this, &ApiKeyRoutes::list),
      route({"GET", "/api-keys/current", any_user}, this, &ApiKeyRoutes::current),
      route({"GET", "/api-keys/{name}", any_user}, this, &ApiKeyRoutes::get),
      route({"DELETE", "/api-keys/{name}", any_user, 204}, this, &ApiKeyRoutes::remove),
      route({"DELETE", "/api-keys/{userId}/{name}", any_user, 204}, this, &ApiKeyRoutes::remove_of),
  };
}

Task<Result<contract::ApiKeyResponse>> ApiKeyRoutes::create(Call& call, contract::CreateApiKey body) {
  return keys_.create(call.who, std::move(body));
}

Result<std::vector<contract::ApiKeyListItem>> ApiKeyRoutes::list(Call& call) {
  TRY(auto records, keys_.list(call.who));
  std::vector<contract::ApiKeyListItem> out;
  for (const ApiKeyRecord& record : records) out.push_back(to_dto(record));
  return out;
}

Result<contract::ApiKeyListItem> ApiKeyRoutes::current(Call& call) {
  TRY(auto record, keys_.get(call.who, call.who.key_name));
  return to_dto(record);
}

Result<contract::ApiKeyListItem> ApiKeyRoutes::get(Call& call) {
  TRY(auto record, keys_.get(call.who, call.param("name")));
  return to_dto(record);
}

Task<Result<void>> ApiKeyRoutes::remove(Call& call) {
  return keys_.remove(call.who, call.who.user, std::string(call.param("name")));
}

Task<Result<void>> ApiKeyRoutes::remove_of(Call& call) {
  return keys_.remove(call.who, UserId(std::string(call.param("userId"))), std::string(call.param("name")));
}

}  // namespace dt::api
