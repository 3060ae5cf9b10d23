// SQL of API keys. The key itself is never stored, only its SHA-256.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/api/auth/principal.h"
#include "libs/base/clock.h"
#include "libs/contract/platform.h"
#include "libs/store/db.h"

namespace dt::api {

struct ApiKeyRecord {
  OrganizationId organization;
  UserId user;
  std::string name;
  std::string hash;            // SHA-256, hex
  std::string prefix, suffix;  // first and last three characters
  Permissions permissions;
  Wall created_at{};
  std::optional<Wall> last_used_at, expires_at;
};
contract::ApiKeyListItem to_dto(const ApiKeyRecord& record);
// Hash, prefix and suffix of `value`.
ApiKeyRecord describe_key(std::string_view value);

Status insert_api_key(store::Txn& txn, const ApiKeyRecord& record);
Result<std::optional<ApiKeyRecord>> find_api_key(store::Reader& db, const OrganizationId& organization,
                                                 const UserId& user, std::string_view name);
// Last used first, never used last. `user` empty: of everyone in the organization.
Result<std::vector<ApiKeyRecord>> list_api_keys(store::Reader& db, const OrganizationId& organization,
                                                const std::optional<UserId>& user);
// The hash of the deleted key, nullopt when there was none.
Result<std::optional<std::string>> delete_api_key(store::Txn& txn, const OrganizationId& organization,
                                                  const UserId& user, std::string_view name);

}  // namespace dt::api
