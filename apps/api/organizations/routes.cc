#include "apps/api/organizations/routes.h"

namespace dt::api {

std::vector<ApiRoute> OrganizationRoutes::table() {
  return {
      route({"GET", "/organizations", any_user}, this, &OrganizationRoutes::list),
      route({"GET", "/organizations/{organizationId}", any_user}, this, &OrganizationRoutes::get),
      route({"GET", "/organizations/{organizationId}/usage", any_user}, this, &OrganizationRoutes::usage),
  };
}

// A key sees the organization it belongs to, not the others of its owner.
Result<std::vector<contract::Organization>> OrganizationRoutes::list(Call& call) {
  TRY(auto record, own(call));
  return std::vector{to_dto(record)};
}

Result<contract::Organization> OrganizationRoutes::get(Call& call) {
  TRY(auto record, own(call));
  return to_dto(record);
}

Result<OrganizationRecord> OrganizationRoutes::own(Call& call) {
  const OrganizationId& id = call.who.organization;
  TRY(auto found, db_.read([&](store::Reader& r) { return find_organization(r, id); }));
  if (!found) return fail(Code::not_found, "Organization with ID " + id.str() + " not found");
  return std::move(*found);
}

Result<contract::OrganizationUsage> OrganizationRoutes::usage(Call& call) {
  TRY(auto record, own(call));
  auto count = [&](store::Reader& r) {
    return r.one(
        "SELECT count(*) FROM snapshots WHERE organization_id = ? AND state IN ('building', 'pending', "
        "'pulling', 'active')",
        [](const store::Row& row) { return static_cast<int>(row.integer(0)); }, record.id);
  };
  TRY(auto snapshots, db_.read(count));
  return contract::OrganizationUsage{.regionUsage = {},
                                     .totalSnapshotQuota = record.limits.snapshot_quota,
                                     .currentSnapshotUsage = snapshots.value_or(0),
                                     .totalVolumeQuota = record.limits.volume_quota,
                                     .currentVolumeUsage = 0};
}

}  // namespace dt::api
