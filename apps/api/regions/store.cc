#include "apps/api/regions/store.h"

namespace dt::api {

namespace {

const std::string kSelect =
    "SELECT id, name, organization_id, region_type, created_at, updated_at FROM regions ";

RegionRecord read_row(const store::Row& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .organization = row.opt_text(2),
          .type = row.text(3),
          .created_at = row.time(4),
          .updated_at = row.time(5)};
}

}  // namespace

contract::Region to_dto(const RegionRecord& r) {
  contract::Region out;
  out.id = r.id;
  out.name = r.name;
  out.organizationId = r.organization;
  out.regionType = r.type;
  out.createdAt = iso8601(r.created_at);
  out.updatedAt = iso8601(r.updated_at);
  return out;
}

Result<std::optional<RegionRecord>> find_region(store::Reader& db, const OrganizationId& organization,
                                                std::string_view id_or_name) {
  static const std::string by_name = kSelect +
                                     "WHERE name = ? AND (organization_id = ? OR organization_id IS NULL) "
                                     "ORDER BY organization_id IS NULL LIMIT 1";
  static const std::string by_id =
      kSelect + "WHERE id = ? AND (organization_id = ? OR organization_id IS NULL)";
  TRY(auto named, db.one(by_name, read_row, id_or_name, organization));
  if (named) return named;
  return db.one(by_id, read_row, id_or_name, organization);
}

Result<std::vector<RegionRecord>> list_regions(store::Reader& db, const OrganizationId& organization) {
  static const std::string sql =
      kSelect +
      "WHERE organization_id = ? OR organization_id IS NULL ORDER BY CASE region_type "
      "WHEN 'custom' THEN 0 WHEN 'dedicated' THEN 1 ELSE 2 END, name";
  return db.all(sql, read_row, organization);
}

Result<std::vector<RegionRecord>> list_shared_regions(store::Reader& db) {
  static const std::string sql = kSelect + "WHERE region_type = 'shared' ORDER BY name";
  return db.all(sql, read_row);
}

Status insert_region(store::Txn& txn, const RegionRecord& r) {
  auto rows = txn.exec(
      "INSERT INTO regions (id, name, organization_id, region_type, created_at, updated_at) VALUES (?, ?, ?, "
      "?, ?, ?)",
      r.id, r.name, r.organization, r.type, r.created_at, r.updated_at);
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

}  // namespace dt::api
