#include "apps/api/snapshots/routes.h"

#include "apps/api/pipeline/query.h"

namespace dt::api {

namespace {
constexpr int64_t kMany = 1'000'000'000;

Result<SnapshotQuery> parse_query(const Query& query) {
  Violations violations;
  SnapshotQuery out;
  out.page = query_int(query, "page", {.fallback = 1, .min = 1, .max = kMany}, violations);
  out.limit = query_int(query, "limit", {.fallback = 100, .min = 1, .max = 200}, violations);
  out.name = query.get("name").value_or("");
  out.sort =
      query_enum(query, "sort", "lastUsedAt", {"name", "state", "lastUsedAt", "createdAt"}, violations);
  out.descending = query_enum(query, "order", "desc", {"asc", "desc"}, violations) == "desc";
  TRY_VOID(checked(violations));
  return out;
}
}  // namespace

std::vector<ApiRoute> SnapshotRoutes::table() {
  return {
      route({"GET", "/snapshots", any_user}, this, &SnapshotRoutes::list),
      route({"GET", "/snapshots/{id}", any_user}, this, &SnapshotRoutes::get),
  };
}

Result<contract::SnapshotPage> SnapshotRoutes::list(Call& call) {
  TRY(auto query, parse_query(call.request.query));
  TRY(auto rows, db_.read([&](store::Reader& r) { return list_snapshots(r, call.who.organization, query); }));
  contract::SnapshotPage out{.items = {},
                             .total = rows.total,
                             .page = query.page,
                             .totalPages = (rows.total + query.limit - 1) / query.limit};
  for (const SnapshotRecord& record : rows.items) out.items.push_back(to_dto(record));
  return out;
}

Result<contract::Snapshot> SnapshotRoutes::get(Call& call) {
  std::string_view id = call.param("id");
  TRY(auto found, db_.read([&](store::Reader& r) { return find_snapshot(r, call.who.organization, id); }));
  if (!found) return fail(Code::not_found, "Snapshot with ID or name " + std::string(id) + " not found");
  return to_dto(*found);
}

}  // namespace dt::api
