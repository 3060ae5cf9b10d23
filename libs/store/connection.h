// One SQLite handle with its prepared statements. One thread at a time.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/store/db.h"

namespace dt::store {

// What SQLite said, as an Error; see the table in db.h.
Error sqlite_error(sqlite3* handle, int code, std::string_view what);

class Connection {
 public:
  enum class Mode { read, write };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode, Millis busy_timeout);
  ~Connection();
  Connection(const Connection&) = delete;

  // From the cache, or prepared now. A statement that is in use twice at once gets a second, uncached handle.
  Result<Statement> prepare(std::string_view sql);
  // Statements without results or parameters, also several at once; not cached.
  Status execute(std::string_view sql);
  int64_t changes() const;
  bool in_transaction() const;
  sqlite3* handle() const { return handle_; }

 private:
  friend class Statement;
  struct Cached {
    sqlite3_stmt* statement = nullptr;
    bool lent = false;
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  Result<sqlite3_stmt*> compile(std::string_view sql);
  sqlite3* handle_;
  std::unordered_map<std::string, Cached, TextHash, std::equal_to<>> cache_;
};

}  // namespace dt::store
