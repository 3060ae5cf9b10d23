// SQL of organizations and their members.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/api/config/config.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/platform.h"
#include "libs/store/db.h"

namespace dt::api {

struct OrganizationRecord {
  OrganizationId id;
  std::string name;
  UserId created_by;
  bool personal = false;
  std::optional<std::string> default_region;  // id
  OrganizationLimits limits;
  Wall created_at{}, updated_at{};
};
contract::Organization to_dto(const OrganizationRecord& record);

Result<std::optional<OrganizationRecord>> find_organization(store::Reader& db, const OrganizationId& id);
Result<std::vector<OrganizationRecord>> organizations_of(store::Reader& db, const UserId& user);
// "owner", "member" or nullopt
Result<std::optional<std::string>> member_role(store::Reader& db, const OrganizationId& organization,
                                               const UserId& user);
Status insert_organization(store::Txn& txn, const OrganizationRecord& record);
Status insert_member(store::Txn& txn, const OrganizationId& organization, const UserId& user,
                     std::string_view role, Wall now);

}  // namespace dt::api
