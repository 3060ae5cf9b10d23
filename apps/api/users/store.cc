#include "apps/api/users/store.h"

namespace dt::api {

contract::User to_dto(const UserRecord& r) {
  contract::User out;
  out.id = r.id.str();
  out.name = r.name;
  out.email = r.email;
  out.emailVerified = r.email_verified;
  out.createdAt = iso8601(r.created_at);
  return out;
}

Result<std::optional<UserRecord>> find_user(store::Reader& db, const UserId& id) {
  auto map = [](const store::Row& row) {
    return UserRecord{.id = row.id<UserId>(0),
                      .name = row.text(1),
                      .email = row.text(2),
                      .email_verified = row.flag(3),
                      .role = row.text(4),
                      .created_at = row.time(5)};
  };
  return db.one("SELECT id, name, email, email_verified, role, created_at FROM users WHERE id = ?", map, id);
}

Status insert_user(store::Txn& txn, const UserRecord& r) {
  auto rows = txn.exec(
      "INSERT INTO users (id, name, email, email_verified, role, created_at) VALUES (?, ?, ?, ?, ?, ?)", r.id,
      r.name, r.email, r.email_verified, r.role, r.created_at);
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

}  // namespace dt::api
