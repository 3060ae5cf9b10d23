// SQL records over SQLite (WAL, synchronous=FULL). One writer thread does group commit: transactions of
// concurrent requests are queued, run one after the other inside one BEGIN IMMEDIATE (each in a savepoint of
// its own), and are acknowledged together after one COMMIT reached the disk. Reads run on the calling thread
// with its own connection and cached statements: a read by primary key costs microseconds and no thread hop.
//
//   auto name = db.read([&](store::Reader& r) {
//     return r.one("SELECT name FROM users WHERE id = ?", [](const store::Row& row) { return row.text(0); },
//     id);
//   });                                                                     //
//   Result<std::optional<std::string>> auto done = co_await db.write([=](store::Txn& t) { return
//   t.exec("UPDATE users SET name = ? WHERE id = ?", n, id); });
//
// Rules: a write closure runs on the writer thread, so it captures values, touches nothing of the loop and
// does not wait. It returns Result<T>; an error (or an exception, which is a bug) undoes its own changes
// only. write() resumes on the awaiting loop after the commit: whoever awaited it reads its own write. Plain
// SQL with `?` parameters and literals as SQL text (statements are cached by text), so that PostgreSQL fits
// behind the same interface.
//
// Errors: conflict (UNIQUE, PRIMARY KEY), bad_request (other constraints), insufficient_storage (disk full),
// unavailable (locked by another process), io (disk), internal (SQL mistakes, corruption).
#pragma once
#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/base/ids.h"
#include "libs/net/task.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dt::store {

struct Blob {
  std::string_view bytes;
};

// The current row of a statement. Columns count from 0. A NULL read as text is "", as a number 0. Views are
// valid until the next step.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::string_view view(int column) const;
  std::string text(int column) const { return std::string(view(column)); }
  std::string blob(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  bool flag(int column) const { return integer(column) != 0; }
  Wall time(int column) const { return from_millis(integer(column)); }
  template <class IdType>
  IdType id(int column) const {
    return IdType(text(column));
  }
  std::optional<std::string> opt_text(int column) const;
  std::optional<int64_t> opt_integer(int column) const;
  std::optional<double> opt_real(int column) const;
  std::optional<Wall> opt_time(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Connection;  // one sqlite3 handle with its statement cache (connection.h)

// A prepared statement on loan from its connection; goes back, reset, when destroyed.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();
  Result<bool> step();  // true: there is a row
  Row row() const { return Row(statement_); }

  // Parameters in order of the question marks.
  void bind(std::string_view text);
  void bind(const char* text) { bind(std::string_view(text)); }
  void bind(const std::string& text) { bind(std::string_view(text)); }
  void bind(Blob blob);
  void bind(double value);
  void bind(std::nullptr_t);
  void bind(Wall t) { bind(to_millis(t)); }
  template <class T>
    requires std::is_integral_v<T>
  void bind(T value) {
    bind_integer(static_cast<int64_t>(value));
  }
  template <class Tag>
  void bind(const Id<Tag>& id) {
    bind(std::string_view(id.str()));
  }
  template <class T>
  void bind(const std::optional<T>& value) {
    value ? bind(*value) : bind(nullptr);
  }

 private:
  friend class Connection;
  Statement(Connection& owner, sqlite3_stmt* statement, bool* lent)
      : owner_(&owner), statement_(statement), lent_(lent) {}
  void bind_integer(int64_t value);
  Connection* owner_;
  sqlite3_stmt* statement_;
  bool* lent_;  // flag of the cache entry; null: the statement is ours and is finalized
  int bound_ = 0;
};

class Reader {
 public:
  explicit Reader(Connection& connection) : connection_(connection) {}
  // For loops of one's own: `while (*step()) row()`.
  template <class... Args>
  Result<Statement> query(std::string_view sql, const Args&... args) {
    auto statement = prepare(sql);
    if (statement) (statement->bind(args), ...);
    return statement;
  }
  // The first row mapped by `map(const Row&)`, or nullopt.
  template <class Map, class... Args>
  auto one(std::string_view sql, Map map, const Args&... args)
      -> Result<std::optional<std::invoke_result_t<Map, const Row&>>>;
  // All rows, in order.
  template <class Map, class... Args>
  auto all(std::string_view sql, Map map, const Args&... args)
      -> Result<std::vector<std::invoke_result_t<Map, const Row&>>>;

 protected:
  Result<Statement> prepare(std::string_view sql);
  Connection& connection_;
};

class Txn : public Reader {
 public:
  using Reader::Reader;
  // INSERT, UPDATE, DELETE: the number of changed rows.
  template <class... Args>
  Result<int64_t> exec(std::string_view sql, const Args&... args) {
    auto statement = query(sql, args...);
    if (!statement) return std::unexpected(std::move(statement).error());
    return run(*statement);
  }

 private:
  Result<int64_t> run(Statement& statement);
};

// SQL that brings the schema from `number - 1` to `number`. Numbers are 1, 2, 3… without gaps.
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};

class Database {
 public:
  struct Options {
    std::string path;  // created with mode 0600
    std::span<const Migration> migrations;
    Millis busy_timeout{5'000};  // for locks of other processes
    size_t batch = 256;          // transactions per commit
  };
  // Opens, checks, and applies what is missing of the migrations, each in its own transaction. A database
  // that is newer than the migrations is refused (conflict), and so is one that another process has open
  // (unavailable, after busy_timeout): what services keep in memory would not agree. Blocks: call it before
  // serving.
  static Result<std::unique_ptr<Database>> open(Options options);
  // Finishes queued writes. No coroutine may still be waiting for a write, no other thread be reading.
  ~Database();
  Database(const Database&) = delete;

  // Fn: Result<T>(Txn&). Await it on a loop.
  template <class Fn>
  auto write(Fn fn) -> Task<std::invoke_result_t<Fn&, Txn&>>;
  // Fn: Result<T>(Reader&). Any thread. Each statement sees the newest commit.
  template <class Fn>
  auto read(Fn&& fn) -> std::invoke_result_t<Fn&, Reader&> {
    auto reader = reader_connection();
    if (!reader) return std::unexpected(std::move(reader).error());
    Reader r(**reader);
    return fn(r);
  }
  Status ping();  // the database answers
  int schema_version() const;

  struct Stats {
    uint64_t commits = 0;
    uint64_t transactions = 0;  // transactions / commits: how well grouping works
  };
  Stats stats() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  Result<Connection*> reader_connection();
  // `job` runs on the writer thread; its Status decides about its savepoint. `finish` gets that or the
  // commit's failure and runs on the submitting thread's loop.
  void submit(std::move_only_function<Status(Txn&)> job, std::move_only_function<void(Status)> finish);
  template <class Fn, class R>
  struct WriteAwaiter;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::store

#include "libs/store/db_inl.h"
