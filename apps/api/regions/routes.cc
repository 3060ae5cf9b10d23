#include "apps/api/regions/routes.h"

namespace dt::api {

namespace {
std::vector<contract::Region> to_dtos(const std::vector<RegionRecord>& records) {
  std::vector<contract::Region> out;
  for (const RegionRecord& record : records) out.push_back(to_dto(record));
  return out;
}
}  // namespace

std::vector<ApiRoute> RegionRoutes::table() {
  return {
      route({"GET", "/regions", any_user}, this, &RegionRoutes::list),
      route({"GET", "/regions/{id}", any_user}, this, &RegionRoutes::get),
      route({"GET", "/shared-regions", kPublic}, this, &RegionRoutes::shared),
  };
}

Result<std::vector<contract::Region>> RegionRoutes::list(Call& call) {
  TRY(auto records, db_.read([&](store::Reader& r) { return list_regions(r, call.who.organization); }));
  return to_dtos(records);
}

Result<std::vector<contract::Region>> RegionRoutes::shared(Call&) {
  TRY(auto records, db_.read([&](store::Reader& r) { return list_shared_regions(r); }));
  return to_dtos(records);
}

// Only regions of the organization itself; shared ones are not found here.
Result<contract::Region> RegionRoutes::get(Call& call) {
  auto find = [&](store::Reader& r) { return find_region(r, call.who.organization, call.param("id")); };
  TRY(auto record, db_.read(find));
  if (!record || record->organization != call.who.organization.str())
    return fail(Code::not_found, "Region not found");
  return to_dto(*record);
}

}  // namespace dt::api
