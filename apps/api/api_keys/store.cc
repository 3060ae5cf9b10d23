#include "apps/api/api_keys/store.h"

#include "apps/api/auth/key.h"

namespace dt::api {

namespace {

const std::string kSelect =
    "SELECT organization_id, user_id, name, hash, prefix, suffix, permissions, created_at, last_used_at, "
    "expires_at "
    "FROM api_keys ";

ApiKeyRecord read_row(const store::Row& row) {
  return {.organization = row.id<OrganizationId>(0),
          .user = row.id<UserId>(1),
          .name = row.text(2),
          .hash = row.text(3),
          .prefix = row.text(4),
          .suffix = row.text(5),
          .permissions = Permissions::from_bits(row.integer(6)),
          .created_at = row.time(7),
          .last_used_at = row.opt_time(8),
          .expires_at = row.opt_time(9)};
}

std::optional<std::string> optional_time(const std::optional<Wall>& t) {
  return t ? std::optional(iso8601(*t)) : std::nullopt;
}

}  // namespace

contract::ApiKeyListItem to_dto(const ApiKeyRecord& r) {
  contract::ApiKeyListItem out;
  out.name = r.name;
  out.value = masked_key(r.prefix, r.suffix);
  out.createdAt = iso8601(r.created_at);
  out.permissions = r.permissions.wire_names();
  out.lastUsedAt = optional_time(r.last_used_at);
  out.expiresAt = optional_time(r.expires_at);
  out.userId = r.user.str();
  return out;
}

ApiKeyRecord describe_key(std::string_view value) {
  ApiKeyRecord out;
  out.hash = hex_of(digest_of(value));
  // A short key of one's own choice is not given away by its ends.
  if (value.size() >= 16) {
    out.prefix = value.substr(0, 3);
    out.suffix = value.substr(value.size() - 3);
  }
  return out;
}

Status insert_api_key(store::Txn& txn, const ApiKeyRecord& r) {
  auto rows = txn.exec(
      "INSERT INTO api_keys (organization_id, user_id, name, hash, prefix, suffix, permissions, created_at, "
      "expires_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      r.organization, r.user, r.name, r.hash, r.prefix, r.suffix, r.permissions.bits(), r.created_at,
      r.expires_at);
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

Result<std::optional<ApiKeyRecord>> find_api_key(store::Reader& db, const OrganizationId& organization,
                                                 const UserId& user, std::string_view name) {
  static const std::string sql = kSelect + "WHERE organization_id = ? AND user_id = ? AND name = ?";
  return db.one(sql, read_row, organization, user, name);
}

Result<std::vector<ApiKeyRecord>> list_api_keys(store::Reader& db, const OrganizationId& organization,
                                                const std::optional<UserId>& user) {
  static const std::string sql = kSelect +
                                 "WHERE organization_id = ? AND user_id = coalesce(?, user_id) "
                                 "ORDER BY last_used_at DESC NULLS LAST, created_at DESC, name";
  return db.all(sql, read_row, organization, user);
}

Result<std::optional<std::string>> delete_api_key(store::Txn& txn, const OrganizationId& organization,
                                                  const UserId& user, std::string_view name) {
  return txn.one(
      "DELETE FROM api_keys WHERE organization_id = ? AND user_id = ? AND name = ? RETURNING hash",
      [](const store::Row& row) { return row.text(0); }, organization, user, name);
}

}  // namespace dt::api
