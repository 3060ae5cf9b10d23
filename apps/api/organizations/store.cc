#include "apps/api/organizations/store.h"

namespace dt::api {

namespace {

const std::string kColumns =
    "o.id, o.name, o.created_by, o.personal, o.default_region_id, o.max_cpu_per_sandbox, "
    "o.max_memory_per_sandbox, "
    "o.max_disk_per_sandbox, o.snapshot_quota, o.volume_quota, o.created_at, o.updated_at";

OrganizationRecord read_row(const store::Row& row) {
  auto number = [&](int column) { return static_cast<int>(row.integer(column)); };
  return {.id = row.id<OrganizationId>(0),
          .name = row.text(1),
          .created_by = row.id<UserId>(2),
          .personal = row.flag(3),
          .default_region = row.opt_text(4),
          .limits = {.max_cpu_per_sandbox = number(5),
                     .max_memory_per_sandbox = number(6),
                     .max_disk_per_sandbox = number(7),
                     .snapshot_quota = number(8),
                     .volume_quota = number(9)},
          .created_at = row.time(10),
          .updated_at = row.time(11)};
}

}  // namespace

contract::Organization to_dto(const OrganizationRecord& r) {
  contract::Organization out;
  out.id = r.id.str();
  out.name = r.name;
  out.createdBy = r.created_by.str();
  out.personal = r.personal;
  out.createdAt = iso8601(r.created_at);
  out.updatedAt = iso8601(r.updated_at);
  out.maxCpuPerSandbox = r.limits.max_cpu_per_sandbox;
  out.maxMemoryPerSandbox = r.limits.max_memory_per_sandbox;
  out.maxDiskPerSandbox = r.limits.max_disk_per_sandbox;
  out.defaultRegionId = r.default_region;
  return out;
}

Result<std::optional<OrganizationRecord>> find_organization(store::Reader& db, const OrganizationId& id) {
  static const std::string sql = "SELECT " + kColumns + " FROM organizations o WHERE o.id = ?";
  return db.one(sql, read_row, id);
}

Result<std::vector<OrganizationRecord>> organizations_of(store::Reader& db, const UserId& user) {
  static const std::string sql =
      "SELECT " + kColumns +
      " FROM organizations o JOIN organization_users m ON m.organization_id = o.id "
      "WHERE m.user_id = ? ORDER BY o.created_at";
  return db.all(sql, read_row, user);
}

Result<std::optional<std::string>> member_role(store::Reader& db, const OrganizationId& organization,
                                               const UserId& user) {
  return db.one(
      "SELECT role FROM organization_users WHERE organization_id = ? AND user_id = ?",
      [](const store::Row& row) { return row.text(0); }, organization, user);
}

Status insert_organization(store::Txn& txn, const OrganizationRecord& r) {
  auto rows = txn.exec(
      "INSERT INTO organizations (id, name, created_by, personal, default_region_id, max_cpu_per_sandbox, "
      "max_memory_per_sandbox, max_disk_per_sandbox, snapshot_quota, volume_quota, created_at, updated_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      r.id, r.name, r.created_by, r.personal, r.default_region, r.limits.max_cpu_per_sandbox,
      r.limits.max_memory_per_sandbox, r.limits.max_disk_per_sandbox, r.limits.snapshot_quota,
      r.limits.volume_quota, r.created_at, r.updated_at);
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

Status insert_member(store::Txn& txn, const OrganizationId& organization, const UserId& user,
                     std::string_view role, Wall now) {
  auto rows = txn.exec(
      "INSERT INTO organization_users (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)",
      organization, user, role, now);
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

}  // namespace dt::api
