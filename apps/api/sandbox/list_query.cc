#include "apps/api/sandbox/list_query.h"

#include <fmt/core.h>

#include <array>

#include "apps/api/pipeline/query.h"
#include "apps/api/sandbox/store.h"

namespace dt::api {
namespace {

// What may be called differently in the two lists, and is otherwise the same.
struct Names {
  const char* regions;
};
constexpr Names kCursorNames{"regionIds"};
constexpr Names kPageNames{"regions"};

struct SortColumn {
  std::string_view wire, column;
  bool number;
};
constexpr std::array<SortColumn, 6> kCursorSorts = {{{"name", "name", false},
                                                     {"cpu", "cpu", true},
                                                     {"memoryGib", "memory", true},
                                                     {"diskGib", "disk", true},
                                                     {"lastActivityAt", "last_activity_at", true},
                                                     {"createdAt", "created_at", true}}};
constexpr std::array<SortColumn, 8> kPageSorts = {{{"id", "id", false},
                                                   {"name", "name", false},
                                                   {"state", "state", false},
                                                   {"snapshot", "snapshot", false},
                                                   {"region", "region_id", false},
                                                   {"updatedAt", "updated_at", true},
                                                   {"createdAt", "created_at", true},
                                                   {"lastActivityAt", "last_activity_at", true}}};

class Where {
 public:
  explicit Where(std::string first, SqlValue value) : sql_(std::move(first)), values_{std::move(value)} {}
  void add(std::string_view condition) { sql_ += " AND " + std::string(condition); }
  void add(std::string_view condition, SqlValue value) {
    add(condition);
    values_.push_back(std::move(value));
  }
  void any_of(std::string_view column, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string marks;
    for (const std::string& value : values) {
      marks += marks.empty() ? "?" : ", ?";
      values_.emplace_back(value);
    }
    add(fmt::format("{} IN ({})", column, marks));
  }
  void prefix(std::string_view column, std::optional<std::string_view> text) {
    if (!text || text->empty()) return;
    std::string pattern;
    for (char c : lower(*text)) {
      if (c == '%' || c == '_' || c == '\\') pattern += '\\';
      pattern += c;
    }
    add(fmt::format("lower({}) LIKE ? ESCAPE '\\'", column), pattern + "%");
  }
  SandboxFilter take() { return {std::move(sql_), std::move(values_)}; }

 private:
  std::string sql_;
  std::vector<SqlValue> values_;
};

std::string state_names() {
  std::string names;
  for (size_t i = 0; i < kSandboxStates; ++i) {
    auto state = static_cast<SandboxState>(i);
    if (state != SandboxState::destroyed)
      names += (names.empty() ? "" : ", ") + std::string(to_string(state));
  }
  return names;
}

void add_states(Where& where, const Query& query, Violations& wrong) {
  auto states = query.all("states");
  for (const std::string& text : states) {
    auto state = parse_sandbox_state(text);
    if (state && *state != SandboxState::destroyed) continue;
    return wrong.add("each value must be one of the following values: " + state_names());
  }
  where.any_of("state", states);
}

void add_labels(Where& where, const Query& query, Violations& wrong) {
  auto text = query.get("labels");
  if (!text || text->empty()) return;
  auto labels = json::parse(*text);
  if (!labels || !labels->is_object()) return wrong.add("Invalid labels JSON format");
  for (const auto& [key, value] : contract::string_values(labels->get_object())) {
    where.add("EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ?", key);
    where.add("value = ?)", value);
  }
}

void add_range(Where& where, const Query& query, std::string_view name, std::string_view condition,
               Violations& wrong) {
  if (!query.has(name)) return;
  where.add(condition, query_int(query, name, {1, 1, INT32_MAX}, wrong));
}

void add_date(Where& where, const Query& query, std::string_view name, std::string_view condition,
              Violations& wrong) {
  auto text = query.get(name);
  if (!text || text->empty()) return;
  auto time = parse_iso8601(*text);
  if (!time) return wrong.add(fmt::format("{} must be a valid ISO 8601 date string", name));
  where.add(condition, to_millis(*time));
}

void add_flag(Where& where, const Query& query, std::string_view name, std::string_view column) {
  if (auto flag = query_bool(query, name))
    where.add(fmt::format("{} = ?", column), static_cast<int64_t>(*flag));
}

SandboxFilter parse_filter(const Query& query, const OrganizationId& organization, const Names& names,
                           Violations& wrong) {
  Where where("organization_id = ?", organization.str());
  where.add("state <> 'destroyed'");
  if (!query_bool(query, "includeErroredDeleted").value_or(false))
    where.add("NOT (state IN ('error', 'build_failed') AND desired_state = 'destroyed')");
  where.prefix("id", query.get("id"));
  where.prefix("name", query.get("name"));
  add_labels(where, query, wrong);
  add_states(where, query, wrong);
  where.any_of("snapshot", query.all("snapshots"));
  where.any_of("region_id", query.all(names.regions));
  where.any_of("sandbox_class", query.all("sandboxClasses"));
  struct Range {
    const char* name;
    const char* condition;
  };
  static constexpr Range kRanges[] = {{"minCpu", "cpu >= ?"},          {"maxCpu", "cpu <= ?"},
                                      {"minMemoryGiB", "memory >= ?"}, {"maxMemoryGiB", "memory <= ?"},
                                      {"minDiskGiB", "disk >= ?"},     {"maxDiskGiB", "disk <= ?"},
                                      {"minGpu", "gpu >= ?"},          {"maxGpu", "gpu <= ?"}};
  for (const Range& range : kRanges) add_range(where, query, range.name, range.condition, wrong);
  static constexpr Range kDates[] = {
      {"createdAtAfter", "created_at >= ?"},          {"createdAtBefore", "created_at <= ?"},
      {"lastEventAfter", "last_activity_at >= ?"},    {"lastEventBefore", "last_activity_at <= ?"},
      {"autoDestroyAtAfter", "auto_destroy_at >= ?"}, {"autoDestroyAtBefore", "auto_destroy_at <= ?"}};
  for (const Range& date : kDates) add_date(where, query, date.name, date.condition, wrong);
  add_flag(where, query, "isPublic", "is_public");
  add_flag(where, query, "isRecoverable", "recoverable");
  return where.take();
}

template <size_t N>
std::string parse_sort(const Query& query, const std::array<SortColumn, N>& columns, std::string fallback,
                       Violations& wrong) {
  auto text = query.get("sort");
  if (!text || text->empty()) return fallback;
  std::string names;
  for (const SortColumn& column : columns) {
    if (column.wire == *text) return std::string(*text);
    names += (names.empty() ? "" : ", ") + std::string(column.wire);
  }
  wrong.add("sort must be one of the following values: " + names);
  return fallback;
}

template <size_t N>
const SortColumn& column_of(const std::array<SortColumn, N>& columns, std::string_view wire) {
  for (const SortColumn& column : columns)
    if (column.wire == wire) return column;
  return columns.back();
}

SqlValue sort_value(const SandboxRecord& r, std::string_view wire) {
  if (wire == "name") return r.name;
  if (wire == "cpu") return r.cpu;
  if (wire == "memoryGib") return r.memory;
  if (wire == "diskGib") return r.disk;
  return to_millis(wire == "createdAt" ? r.created_at : r.last_activity_at);
}

Result<std::vector<SandboxRecord>> rows_of(store::Reader& db, const std::string& sql,
                                           const std::vector<SqlValue>& values) {
  TRY(auto statement, db.query(sql));
  for (const SqlValue& value : values) std::visit([&](const auto& v) { statement.bind(v); }, value);
  std::vector<SandboxRecord> rows;
  for (;;) {
    TRY(bool more, statement.step());
    if (!more) return rows;
    rows.push_back(sandbox_from_row(statement.row()));
  }
}

}  // namespace

Result<CursorQuery> parse_cursor_query(const Query& query, const OrganizationId& organization) {
  CursorQuery out;
  Violations wrong;
  out.limit = query_int(query, "limit", {100, 1, 200}, wrong);
  out.filter = parse_filter(query, organization, kCursorNames, wrong);
  out.sort = parse_sort(query, kCursorSorts, out.sort, wrong);
  out.descending = query_enum(query, "order", "desc", {"asc", "desc"}, wrong) == "desc";
  TRY_VOID(checked(wrong));
  auto text = query.get("cursor");
  if (!text || text->empty()) return out;
  auto cursor = decode_cursor(*text);
  const SortColumn& column = column_of(kCursorSorts, out.sort);
  if (!cursor || cursor->sort != out.sort || std::holds_alternative<int64_t>(cursor->value) != column.number)
    return fail(Code::bad_request, fmt::format("Invalid cursor provided: {}", *text));
  out.filter.where += fmt::format(" AND ({}, id) {} (?, ?)", column.column, out.descending ? "<" : ">");
  out.filter.values.push_back(std::move(cursor->value));
  out.filter.values.emplace_back(std::move(cursor->id));
  return out;
}

Result<PageQuery> parse_page_query(const Query& query, const OrganizationId& organization) {
  PageQuery out;
  Violations wrong;
  out.page = query_int(query, "page", {1, 1, INT32_MAX}, wrong);
  out.limit = query_int(query, "limit", {100, 1, 200}, wrong);
  out.filter = parse_filter(query, organization, kPageNames, wrong);
  out.sort = parse_sort(query, kPageSorts, out.sort, wrong);
  out.descending = query_enum(query, "order", "desc", {"asc", "desc"}, wrong) == "desc";
  TRY_VOID(checked(wrong));
  return out;
}

Result<CursorRows> list_sandboxes(store::Reader& db, const CursorQuery& query) {
  const SortColumn& column = column_of(kCursorSorts, query.sort);
  const char* order = query.descending ? "DESC" : "ASC";
  std::string sql = fmt::format("SELECT {} FROM sandboxes WHERE {} ORDER BY {} {}, id {} LIMIT ?",
                                kSandboxColumns, query.filter.where, column.column, order, order);
  auto values = query.filter.values;
  values.emplace_back(query.limit + 1);  // one more says whether there is a next page
  CursorRows out;
  TRY(out.items, rows_of(db, sql, values));
  if (std::cmp_less_equal(out.items.size(), query.limit)) return out;
  out.items.pop_back();
  const SandboxRecord& last = out.items.back();
  out.next_cursor = encode_cursor({query.sort, sort_value(last, query.sort), last.id.str()});
  return out;
}

Result<PageRows> list_sandboxes(store::Reader& db, const PageQuery& query) {
  PageRows out;
  TRY(auto count, db.query("SELECT count(*) FROM sandboxes WHERE " + query.filter.where));
  for (const SqlValue& value : query.filter.values) std::visit([&](const auto& v) { count.bind(v); }, value);
  TRY(bool counted, count.step());
  if (counted) out.total = count.row().integer(0);
  std::string sql = fmt::format(
      "SELECT {} FROM sandboxes WHERE {} ORDER BY {} {} NULLS LAST, created_at DESC, id LIMIT ? OFFSET ?",
      kSandboxColumns, query.filter.where, column_of(kPageSorts, query.sort).column,
      query.descending ? "DESC" : "ASC");
  auto values = query.filter.values;
  values.emplace_back(query.limit);
  values.emplace_back((query.page - 1) * query.limit);
  TRY(out.items, rows_of(db, sql, values));
  return out;
}

}  // namespace dt::api
