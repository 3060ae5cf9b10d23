#include "apps/api/sandbox/store.h"

#include <algorithm>

#include "apps/api/sandbox/state_machine.h"
#include "libs/codec/codec.h"

namespace dt::api {

const std::string kSandboxColumns =
    "id, organization_id, name, region_id, runner_id, sandbox_class, snapshot, snapshot_ref, entrypoint, "
    "os_user, env, labels, "
    "volumes, is_public, network_block_all, network_allow_list, domain_allow_list, outbound_proxy_url, "
    "otel_endpoint, cpu, gpu, "
    "gpu_type, memory, disk, state, desired_state, pending, force_stop, error_reason, recoverable, "
    "auto_stop, auto_pause, "
    "auto_archive, auto_delete, auto_destroy_at, queue_timeout, daemon_version, auth_token, created_at, "
    "updated_at, "
    "last_activity_at, linked_sandbox_id";

namespace {

using namespace std::chrono_literals;

// Intervals have no maximum in the contract; two thousand years are enough for the arithmetic.
std::chrono::minutes minutes(int64_t count) {
  return std::chrono::minutes(std::min<int64_t>(count, 1'000'000'000));
}

template <class T>
T from_json(std::string_view text) {
  auto value = json::parse(text);
  T out{};
  if (!value) return out;
  Violations ignored;
  codec::read(*value, out, codec::Where{"", ignored});
  return out;
}

// Values in the order of kSandboxColumns.
template <class Fn>
auto with_values(const SandboxRecord& r, Fn fn) {
  return fn(r.id, r.organization, r.name, r.region, r.runner, r.sandbox_class, r.snapshot, r.snapshot_ref,
            r.entrypoint, r.os_user, encode(r.env), encode(r.labels), encode(r.volumes), r.is_public,
            r.network_block_all, r.network_allow_list, r.domain_allow_list, r.outbound_proxy_url,
            r.otel_endpoint, r.cpu, r.gpu, r.gpu_type, r.memory, r.disk, to_string(r.state),
            to_string(r.desired), r.pending, r.force_stop, r.error_reason, r.recoverable, r.auto_stop,
            r.auto_pause, r.auto_archive, r.auto_delete, r.auto_destroy_at, r.queue_timeout, r.daemon_version,
            r.auth_token, r.created_at, r.updated_at, r.last_activity_at, r.linked, holds(r.state, r.desired),
            next_due(r));
}

std::string question_marks(size_t count) {
  std::string out = "?";
  for (size_t i = 1; i < count; ++i) out += ", ?";
  return out;
}
size_t column_count(std::string_view columns) {
  return 1 + static_cast<size_t>(std::ranges::count(columns, ','));
}

const std::string kInsert = [] {
  std::string columns = kSandboxColumns + ", holds, next_due";
  return "INSERT INTO sandboxes (" + columns + ") VALUES (" + question_marks(column_count(columns)) + ")";
}();
const std::string kUpdate = [] {
  std::string columns = kSandboxColumns + ", holds, next_due";
  return "UPDATE sandboxes SET (" + columns + ") = (" + question_marks(column_count(columns)) +
         ") WHERE id = ?";
}();
const std::string kSelect = "SELECT " + kSandboxColumns + " FROM sandboxes ";

}  // namespace

SandboxRecord sandbox_from_row(const store::Row& row) {
  SandboxRecord r;
  int c = 0;
  r.id = row.id<SandboxId>(c++);
  r.organization = row.id<OrganizationId>(c++);
  r.name = row.text(c++);
  r.region = row.text(c++);
  r.runner = row.opt_text(c++);
  r.sandbox_class = row.text(c++);
  r.snapshot = row.opt_text(c++);
  r.snapshot_ref = row.text(c++);
  r.entrypoint = row.opt_text(c++);
  r.os_user = row.text(c++);
  r.env = from_json<contract::StringMap>(row.view(c++));
  r.labels = from_json<contract::StringMap>(row.view(c++));
  r.volumes = from_json<std::vector<contract::SandboxVolume>>(row.view(c++));
  r.is_public = row.flag(c++);
  r.network_block_all = row.flag(c++);
  r.network_allow_list = row.opt_text(c++);
  r.domain_allow_list = row.opt_text(c++);
  r.outbound_proxy_url = row.opt_text(c++);
  r.otel_endpoint = row.opt_text(c++);
  r.cpu = row.integer(c++);
  r.gpu = row.integer(c++);
  r.gpu_type = row.opt_text(c++);
  r.memory = row.integer(c++);
  r.disk = row.integer(c++);
  r.state = parse_sandbox_state(row.view(c++)).value_or(SandboxState::error);
  r.desired = parse_desired_state(row.view(c++)).value_or(DesiredState::stopped);
  r.pending = row.flag(c++);
  r.force_stop = row.flag(c++);
  r.error_reason = row.opt_text(c++);
  r.recoverable = row.flag(c++);
  r.auto_stop = row.integer(c++);
  r.auto_pause = row.integer(c++);
  r.auto_archive = row.integer(c++);
  r.auto_delete = row.integer(c++);
  r.auto_destroy_at = row.opt_time(c++);
  r.queue_timeout = row.opt_integer(c++);
  r.daemon_version = row.opt_text(c++);
  r.auth_token = row.text(c++);
  r.created_at = row.time(c++);
  r.updated_at = row.time(c++);
  r.last_activity_at = row.time(c++);
  r.linked = row.opt_text(c++);
  return r;
}

Result<std::optional<SandboxRecord>> find_sandbox(store::Reader& db, const SandboxId& id) {
  static const std::string sql = kSelect + "WHERE id = ?";
  return db.one(sql, sandbox_from_row, id);
}

Result<std::optional<SandboxRecord>> find_sandbox(store::Reader& db, const OrganizationId& organization,
                                                  std::string_view id_or_name) {
  TRY(auto found, find_sandbox(db, SandboxId(std::string(id_or_name))));
  if (!found || found->organization != organization) {
    static const std::string sql = kSelect + "WHERE organization_id = ? AND name = ?";
    TRY(found, db.one(sql, sandbox_from_row, organization, id_or_name));
  }
  if (found && found->hidden()) found.reset();
  return found;
}

Result<std::vector<SandboxRecord>> sandboxes_of_runner(store::Reader& db, std::string_view runner) {
  static const std::string sql = kSelect + "WHERE runner_id = ? ORDER BY created_at, id";
  return db.all(sql, sandbox_from_row, runner);
}

Result<std::vector<SandboxRecord>> followers_of(store::Reader& db, const SandboxId& owner) {
  static const std::string sql = kSelect + "WHERE linked_sandbox_id = ? AND desired_state <> 'destroyed'";
  return db.all(sql, sandbox_from_row, owner);
}

Result<std::vector<SandboxRecord>> pending_sandboxes(store::Reader& db) {
  static const std::string sql = kSelect + "WHERE pending = 1";
  return db.all(sql, sandbox_from_row);
}

Status insert_sandbox(store::Txn& txn, const SandboxRecord& record) {
  TRY([[maybe_unused]] int64_t rows,
      with_values(record, [&](const auto&... values) { return txn.exec(kInsert, values...); }));
  return {};
}

Status save_sandbox(store::Txn& txn, const SandboxRecord& record) {
  TRY(int64_t rows,
      with_values(record, [&](const auto&... values) { return txn.exec(kUpdate, values..., record.id); }));
  if (rows != 1) return fail(Code::not_found, "the sandbox record is gone");
  return {};
}

Status remove_sandbox(store::Txn& txn, const SandboxId& id) {
  TRY([[maybe_unused]] int64_t rows, txn.exec("DELETE FROM sandboxes WHERE id = ?", id));
  return {};
}

std::optional<Wall> next_due(const SandboxRecord& r) {
  using S = SandboxState;
  using D = DesiredState;
  if (r.state == S::destroyed) return r.updated_at + 24h;
  if (r.pending) return std::nullopt;  // computed again when it has settled
  std::optional<Wall> due;
  auto add = [&](Wall at) { due = due ? std::min(*due, at) : at; };
  if (r.hidden()) return r.updated_at + 10min;  // the destroy failed: again
  if (r.state == S::build_failed) add(r.updated_at + std::chrono::days(7));
  if (r.auto_destroy_at) add(*r.auto_destroy_at);
  if (r.state == S::started && r.desired == D::started && r.auto_stop > 0)
    add(r.last_activity_at + minutes(r.auto_stop));
  if (r.state == S::stopped && r.desired == D::stopped && r.auto_delete >= 0)
    add(r.last_activity_at + minutes(r.auto_delete));
  return due;
}

Result<std::optional<Wall>> earliest_due(store::Reader& db) {
  return db.one("SELECT next_due FROM sandboxes WHERE next_due IS NOT NULL ORDER BY next_due LIMIT 1",
                [](const store::Row& row) { return row.time(0); });
}

Result<std::vector<SandboxId>> due_sandboxes(store::Reader& db, Wall now, int64_t limit) {
  return db.all(
      "SELECT id FROM sandboxes WHERE next_due <= ? ORDER BY next_due LIMIT ?",
      [](const store::Row& row) { return row.id<SandboxId>(0); }, now, limit);
}

Status set_next_due(store::Txn& txn, const SandboxId& id, Wall due) {
  TRY([[maybe_unused]] int64_t rows, txn.exec("UPDATE sandboxes SET next_due = ? WHERE id = ?", due, id));
  return {};
}

Result<Usage> usage_of(store::Reader& db, const OrganizationId& organization, std::string_view region,
                       const SandboxId& except) {
  auto read = [](const store::Row& row) {
    return Usage{row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
  };
  TRY(auto usage,
      db.one("SELECT coalesce(sum(CASE WHEN holds = 2 THEN cpu END), 0), coalesce(sum(CASE WHEN holds = 2 "
             "THEN memory END), 0), "
             "coalesce(sum(disk), 0), coalesce(sum(CASE WHEN holds = 2 THEN gpu END), 0) FROM sandboxes "
             "WHERE organization_id = ? AND region_id = ? AND holds > 0 AND id <> ?",
             read, organization, region, except));
  return usage.value_or(Usage{});
}

}  // namespace dt::api
