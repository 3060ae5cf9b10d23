// The rules of API keys (contract api-core §9).
#pragma once
#include <string_view>
#include <vector>

#include "apps/api/api_keys/store.h"
#include "apps/api/auth/authenticator.h"

namespace dt::api {

class ApiKeys {
 public:
  ApiKeys(store::Database& db, Clock& clock, Authenticator& authenticator)
      : db_(db), clock_(clock), authenticator_(authenticator) {}
  // The answer holds the key's text, this once.
  Task<Result<contract::ApiKeyResponse>> create(const Principal& who, contract::CreateApiKey body);
  // Owners of the organization see the keys of all its members.
  Result<std::vector<ApiKeyRecord>> list(const Principal& who);
  Result<ApiKeyRecord> get(const Principal& who, std::string_view name);
  // Stops the key at once. `user` other than the caller: owners only.
  Task<Result<void>> remove(const Principal& who, UserId user, std::string name);

 private:
  Result<bool> is_owner(const Principal& who);
  store::Database& db_;
  Clock& clock_;
  Authenticator& authenticator_;
};

}  // namespace dt::api
