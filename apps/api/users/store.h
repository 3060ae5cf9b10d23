// SQL of users.
#pragma once
#include <optional>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/platform.h"
#include "libs/store/db.h"

namespace dt::api {

struct UserRecord {
  UserId id;
  std::string name, email;
  bool email_verified = false;
  std::string role = "user";  // user admin
  Wall created_at{};
};
contract::User to_dto(const UserRecord& record);
Result<std::optional<UserRecord>> find_user(store::Reader& db, const UserId& id);
Status insert_user(store::Txn& txn, const UserRecord& record);

}  // namespace dt::api
