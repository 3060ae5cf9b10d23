// SQL of regions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/platform.h"
#include "libs/store/db.h"

namespace dt::api {

struct RegionRecord {
  std::string id, name;
  std::optional<std::string> organization;
  std::string type = "shared";  // shared dedicated custom
  Wall created_at{}, updated_at{};
};
contract::Region to_dto(const RegionRecord& record);

// The order of contract api-core §14.4: own region by name, organization-less region by name, id (if
// visible).
Result<std::optional<RegionRecord>> find_region(store::Reader& db, const OrganizationId& organization,
                                                std::string_view id_or_name);
// custom, dedicated, shared
Result<std::vector<RegionRecord>> list_regions(store::Reader& db, const OrganizationId& organization);
Result<std::vector<RegionRecord>> list_shared_regions(store::Reader& db);
Status insert_region(store::Txn& txn, const RegionRecord& record);

}  // namespace dt::api
