#include "apps/api/api_keys/service.h"

#include "apps/api/organizations/store.h"

namespace dt::api {

namespace {

std::unexpected<Error> key_not_found() { return fail(Code::not_found, "API key not found"); }

Permissions parse_permissions(const std::vector<std::string>& names) {
  Permissions out;
  for (const std::string& name : names)
    if (auto permission = parse_permission(name)) out.add(*permission);
  return out;
}

std::vector<std::string> missing(Permissions wanted, Permissions held) {
  std::vector<std::string> out;
  for (size_t i = 0; i < kPermissionCount; ++i) {
    auto permission = static_cast<Permission>(i);
    if (wanted.has(permission) && !held.has(permission)) out.emplace_back(wire_name(permission));
  }
  return out;
}

}  // namespace

Result<bool> ApiKeys::is_owner(const Principal& who) {
  TRY(auto role, db_.read([&](store::Reader& r) { return member_role(r, who.organization, who.user); }));
  return role == "owner";
}

Task<Result<contract::ApiKeyResponse>> ApiKeys::create(const Principal& who, contract::CreateApiKey body) {
  Permissions permissions = parse_permissions(body.permissions);
  // The caller is a key: it must not make one that can do more than itself.
  if (auto lacking = missing(permissions, who.permissions); !lacking.empty())
    co_return fail(Code::forbidden, "Insufficient permissions for assigning: " + join(lacking, ", "));
  std::string value = generate_key();
  ApiKeyRecord record = describe_key(value);
  record.organization = who.organization;
  record.user = who.user;
  record.name = body.name;
  record.permissions = permissions;
  record.created_at = clock_.wall();
  if (body.expiresAt) record.expires_at = parse_iso8601(*body.expiresAt);
  auto inserted = co_await db_.write([record](store::Txn& t) { return insert_api_key(t, record); });
  if (!inserted && inserted.error().code == Code::conflict)
    co_return fail(Code::conflict, "API key with this name already exists");
  if (!inserted) co_return std::unexpected(std::move(inserted).error());
  contract::ApiKeyListItem shown = to_dto(record);
  contract::ApiKeyResponse out;
  out.name = shown.name;
  out.value = value;
  out.createdAt = shown.createdAt;
  out.permissions = shown.permissions;
  out.expiresAt = shown.expiresAt;
  co_return out;
}

Result<std::vector<ApiKeyRecord>> ApiKeys::list(const Principal& who) {
  TRY(bool owner, is_owner(who));
  std::optional<UserId> only_of = owner ? std::nullopt : std::optional(who.user);
  return db_.read([&](store::Reader& r) { return list_api_keys(r, who.organization, only_of); });
}

Result<ApiKeyRecord> ApiKeys::get(const Principal& who, std::string_view name) {
  TRY(auto found,
      db_.read([&](store::Reader& r) { return find_api_key(r, who.organization, who.user, name); }));
  if (!found) return key_not_found();
  return std::move(*found);
}

Task<Result<void>> ApiKeys::remove(const Principal& who, UserId user, std::string name) {
  if (user != who.user) {
    CO_TRY(bool owner, is_owner(who));
    if (!owner) co_return fail(Code::forbidden, "Incorrect user ID provided");
  }
  OrganizationId organization = who.organization;
  auto removed =
      co_await db_.write([=](store::Txn& t) { return delete_api_key(t, organization, user, name); });
  if (!removed) co_return std::unexpected(std::move(removed).error());
  if (!*removed) co_return key_not_found();
  authenticator_.forget(**removed);
  co_return Result<void>{};
}

}  // namespace dt::api
