#include <sqlite3.h>

#include "libs/store/connection.h"

namespace dt::store {

bool Row::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view Row::view(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text ? std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
              : std::string_view();
}

std::string Row::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
               : std::string();
}

int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Row::real(int column) const { return sqlite3_column_double(statement_, column); }

std::optional<std::string> Row::opt_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}
std::optional<int64_t> Row::opt_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}
std::optional<double> Row::opt_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(real(column));
}
std::optional<Wall> Row::opt_time(int column) const {
  return is_null(column) ? std::nullopt : std::optional(time(column));
}

Statement::Statement(Statement&& other) noexcept
    : owner_(other.owner_),
      statement_(std::exchange(other.statement_, nullptr)),
      lent_(other.lent_),
      bound_(other.bound_) {}

Statement::~Statement() {
  if (!statement_) return;
  if (!lent_) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *lent_ = false;
}

Result<bool> Statement::step() {
  // A forgotten argument would silently be NULL.
  CHECK(bound_ == sqlite3_bind_parameter_count(statement_));
  int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return std::unexpected(sqlite_error(owner_->handle(), rc, sqlite3_sql(statement_)));
}

// Copied: a caller may step after a temporary argument of query() is gone.
void Statement::bind(std::string_view text) {
  const char* data = text.data() ? text.data() : "";
  sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::bind(Blob blob) {
  const char* data = blob.bytes.data() ? blob.bytes.data() : "";
  sqlite3_bind_blob64(statement_, ++bound_, data, blob.bytes.size(), SQLITE_TRANSIENT);
}
void Statement::bind(double value) { sqlite3_bind_double(statement_, ++bound_, value); }
void Statement::bind(std::nullptr_t) { sqlite3_bind_null(statement_, ++bound_); }
void Statement::bind_integer(int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }

Result<Statement> Reader::prepare(std::string_view sql) { return connection_.prepare(sql); }

Result<int64_t> Txn::run(Statement& statement) {
  for (;;) {
    TRY(bool row, statement.step());
    if (!row) return connection_.changes();
  }
}

}  // namespace dt::store
