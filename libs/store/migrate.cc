#include "libs/store/migrate.h"

#include <fmt/core.h>

#include "libs/base/log.h"

namespace dt::store {

namespace {

Result<int> current_version(Connection& connection) {
  TRY_VOID(connection.execute(
      "CREATE TABLE IF NOT EXISTS schema_version "
      "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
  Reader reader(connection);
  TRY(auto version, reader.one("SELECT coalesce(max(number), 0) FROM schema_version",
                               [](const Row& row) { return static_cast<int>(row.integer(0)); }));
  return version.value_or(0);
}

Status apply(Connection& connection, const Migration& migration) {
  TRY_VOID(connection.execute(migration.sql));
  Txn txn(connection);
  TRY(int64_t rows, txn.exec("INSERT INTO schema_version (number, name, applied_at) VALUES (?, ?, ?)",
                             migration.number, migration.name, system_clock().wall()));
  CHECK(rows == 1);
  return connection.execute("COMMIT");
}

Status apply_or_undo(Connection& connection, const Migration& migration) {
  TRY_VOID(connection.execute("BEGIN IMMEDIATE"));
  auto done = apply(connection, migration);
  if (done) return done;
  if (connection.in_transaction()) TRY_VOID(connection.execute("ROLLBACK"));
  return std::unexpected(
      std::move(done).error().context(fmt::format("migration {} {}", migration.number, migration.name)));
}

}  // namespace

Result<int> migrate(Connection& connection, std::span<const Migration> migrations) {
  TRY(int version, current_version(connection));
  int newest = static_cast<int>(migrations.size());
  if (version > newest)
    return fail(
        Code::conflict,
        fmt::format("the database has schema version {}, this program knows {}: use the newer program, "
                    "or restore a backup made before the upgrade",
                    version, newest));
  for (const Migration& migration : migrations) {
    CHECK(migration.number == &migration - migrations.data() + 1);
    if (migration.number <= version) continue;
    TRY_VOID(apply_or_undo(connection, migration));
    log::info("database migrated", {{"number", migration.number}, {"name", migration.name}});
  }
  return newest;
}

}  // namespace dt::store
