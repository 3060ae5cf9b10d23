#include "libs/store/connection.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "libs/base/fd.h"

namespace dt::store {

namespace {

// More than the texts a program has; a query that is put together from input must not grow the cache for
// ever.
constexpr size_t kCachedStatements = 1024;

Code code_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return Code::conflict;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_CONSTRAINT:
      return Code::bad_request;
    case SQLITE_FULL:
      return Code::insufficient_storage;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::unavailable;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Code::io;
    default:
      return Code::internal;
  }
}

constexpr std::string_view kWriterSettings =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA wal_autocheckpoint = 2000;"
    "PRAGMA temp_store = MEMORY;";
constexpr std::string_view kReaderSettings =
    "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;";

// SQLite would create the file with the process's umask; records hold key hashes.
Status create_private(const std::string& path) {
  TRY(auto fd, open_file(path.c_str(), O_RDWR | O_CREAT, 0600));
  return {};
}

}  // namespace

Error sqlite_error(sqlite3* handle, int code, std::string_view what) {
  int extended = handle ? sqlite3_extended_errcode(handle) : code;
  if ((extended & 0xff) != (code & 0xff)) extended = code;
  std::string text = std::string(what) + ": " + (handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  Code mapped = code_of(extended);
  if (mapped == Code::insufficient_storage) text += ". Free space on the disk that holds the database";
  if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
    text += ". The database is damaged: restore a backup";
  return Error{mapped, std::move(text), {}, handle ? sqlite3_system_errno(handle) : 0};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode,
                                                     Millis busy_timeout) {
  if (mode == Mode::write) {
    if (auto made = create_private(path); !made)
      return std::unexpected(std::move(made).error().context("open the database"));
  }
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  int rc = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (rc != SQLITE_OK) return std::unexpected(sqlite_error(handle, rc, "open the database " + path));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
  TRY_VOID(connection->execute(mode == Mode::write ? kWriterSettings : kReaderSettings));
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, cached] : cache_) sqlite3_finalize(cached.statement);
  sqlite3_close_v2(handle_);
}

Result<sqlite3_stmt*> Connection::compile(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                              &statement, nullptr);
  if (rc != SQLITE_OK) return std::unexpected(sqlite_error(handle_, rc, "prepare " + std::string(sql)));
  return statement;
}

Result<Statement> Connection::prepare(std::string_view sql) {
  auto found = cache_.find(sql);
  if (found == cache_.end()) {
    TRY(sqlite3_stmt * statement, compile(sql));
    if (cache_.size() >= kCachedStatements) return Statement(*this, statement, nullptr);
    found = cache_.emplace(std::string(sql), Cached{statement, false}).first;
  } else if (found->second.lent) {
    TRY(sqlite3_stmt * statement, compile(sql));
    return Statement(*this, statement, nullptr);
  }
  found->second.lent = true;
  return Statement(*this, found->second.statement, &found->second.lent);
}

Status Connection::execute(std::string_view sql) {
  std::string text(sql);
  int rc = sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return std::unexpected(sqlite_error(handle_, rc, text.substr(0, text.find('\n'))));
  return {};
}

int64_t Connection::changes() const { return sqlite3_changes64(handle_); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

}  // namespace dt::store
