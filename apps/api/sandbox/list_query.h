// The query of GET /sandbox and GET /sandbox/paginated (contract api-sandbox §5.1, §5.2), its cursor and its
// SQL.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "apps/api/sandbox/model.h"
#include "libs/net/http.h"
#include "libs/store/db.h"

namespace dt::api {

using SqlValue = std::variant<int64_t, std::string>;

// A condition over the table sandboxes with its parameters.
struct SandboxFilter {
  std::string where;
  std::vector<SqlValue> values;
};

struct CursorQuery {
  SandboxFilter filter;
  std::string sort = "lastActivityAt";  // wire name
  bool descending = true;
  int64_t limit = 100;
};
struct PageQuery {
  SandboxFilter filter;
  std::string sort = "createdAt";
  bool descending = true;
  int64_t page = 1, limit = 100;
};

// bad_request with the violations of the contract.
Result<CursorQuery> parse_cursor_query(const Query& query, const OrganizationId& organization);
Result<PageQuery> parse_page_query(const Query& query, const OrganizationId& organization);

struct CursorRows {
  std::vector<SandboxRecord> items;
  std::optional<std::string> next_cursor;
};
Result<CursorRows> list_sandboxes(store::Reader& db, const CursorQuery& query);
struct PageRows {
  std::vector<SandboxRecord> items;
  int64_t total = 0;
};
Result<PageRows> list_sandboxes(store::Reader& db, const PageQuery& query);

// Opaque to clients: base64 of {"sort", "value", "id"} of the last item.
struct Cursor {
  std::string sort;
  SqlValue value;
  std::string id;
};
std::string encode_cursor(const Cursor& cursor);
std::optional<Cursor> decode_cursor(std::string_view text);

}  // namespace dt::api
