#include "apps/api/snapshots/store.h"

#include "libs/codec/codec.h"

namespace dt::api {

namespace {

const std::string kSelect =
    "SELECT id, organization_id, name, image_name, ref, general, state, size, entrypoint, cpu, gpu, memory, "
    "disk, "
    "sandbox_class, error_reason, created_at, updated_at, last_used_at FROM snapshots ";

std::optional<std::vector<std::string>> read_entrypoint(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  auto parsed = json::parse(row.view(column));
  std::vector<std::string> words;
  Violations ignored;
  if (parsed) codec::read(*parsed, words, codec::Where{"entrypoint", ignored});
  return words;
}

SnapshotRecord read_row(const store::Row& row) {
  auto number = [&](int column) { return static_cast<int>(row.integer(column)); };
  return {.id = row.id<SnapshotId>(0),
          .organization = row.id<OrganizationId>(1),
          .name = row.text(2),
          .image_name = row.text(3),
          .ref = row.text(4),
          .general = row.flag(5),
          .state = row.text(6),
          .size = row.opt_real(7),
          .entrypoint = read_entrypoint(row, 8),
          .cpu = number(9),
          .gpu = number(10),
          .memory = number(11),
          .disk = number(12),
          .sandbox_class = row.text(13),
          .error_reason = row.opt_text(14),
          .created_at = row.time(15),
          .updated_at = row.time(16),
          .last_used_at = row.opt_time(17),
          .regions = {}};
}

Status fill_regions(store::Reader& db, SnapshotRecord& record) {
  TRY(record.regions, db.all(
                          "SELECT region_id FROM snapshot_regions WHERE snapshot_id = ? ORDER BY region_id",
                          [](const store::Row& row) { return row.text(0); }, record.id));
  return {};
}

std::string order_by(const SnapshotQuery& query) {
  std::string column = query.sort == "name"        ? "name"
                       : query.sort == "state"     ? "state"
                       : query.sort == "createdAt" ? "created_at"
                                                   : "last_used_at";
  return "ORDER BY general, " + column + (query.descending ? " DESC" : " ASC") +
         " NULLS LAST, created_at DESC, id ";
}

// The text is looked for as it is: % and _ mean themselves.
constexpr std::string_view kVisible =
    "WHERE (organization_id = ? OR general = 1) AND (? = '' OR instr(lower(name), lower(?)) > 0) ";

}  // namespace

Result<std::optional<SnapshotRecord>> find_snapshot(store::Reader& db, const OrganizationId& organization,
                                                    std::string_view id_or_name) {
  static const std::string by_id = kSelect + "WHERE id = ? AND (organization_id = ? OR general = 1)";
  static const std::string by_name =
      kSelect +
      "WHERE name = ? AND (organization_id = ? OR general = 1) ORDER BY organization_id = ? DESC LIMIT 1";
  TRY(auto found, db.one(by_id, read_row, id_or_name, organization));
  if (!found) {
    TRY(found, db.one(by_name, read_row, id_or_name, organization, organization));
  }
  if (found) TRY_VOID(fill_regions(db, *found));
  return found;
}

Status insert_snapshot(store::Txn& txn, const SnapshotRecord& r) {
  std::optional<std::string> entrypoint = r.entrypoint ? std::optional(encode(*r.entrypoint)) : std::nullopt;
  auto rows = txn.exec(
      "INSERT INTO snapshots (id, organization_id, name, image_name, ref, general, state, size, entrypoint, "
      "cpu, gpu, memory, "
      "disk, sandbox_class, error_reason, created_at, updated_at, last_used_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      r.id, r.organization, r.name, r.image_name, r.ref, r.general, r.state, r.size, entrypoint, r.cpu, r.gpu,
      r.memory, r.disk, r.sandbox_class, r.error_reason, r.created_at, r.updated_at, r.last_used_at);
  if (!rows) return std::unexpected(std::move(rows).error());
  for (const std::string& region : r.regions) {
    auto added =
        txn.exec("INSERT INTO snapshot_regions (snapshot_id, region_id) VALUES (?, ?)", r.id, region);
    if (!added) return std::unexpected(std::move(added).error());
  }
  return {};
}

Status touch_snapshot(store::Txn& txn, const SnapshotId& id, Wall now) {
  auto rows = txn.exec(
      "UPDATE snapshots SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
      now, id, now - std::chrono::minutes(1));
  return rows ? Status{} : std::unexpected(std::move(rows).error());
}

Result<SnapshotRows> list_snapshots(store::Reader& db, const OrganizationId& organization,
                                    const SnapshotQuery& query) {
  std::string where(kVisible);
  TRY(auto total,
      db.one(
          "SELECT count(*) FROM snapshots " + where, [](const store::Row& row) { return row.integer(0); },
          organization, query.name, query.name));
  SnapshotRows out{.items = {}, .total = total.value_or(0)};
  TRY(out.items, db.all(kSelect + where + order_by(query) + "LIMIT ? OFFSET ?", read_row, organization,
                        query.name, query.name, query.limit, (query.page - 1) * query.limit));
  for (SnapshotRecord& record : out.items) TRY_VOID(fill_regions(db, record));
  return out;
}

}  // namespace dt::api
