#include "apps/api/runners/store.h"

#include <algorithm>

#include "apps/api/runners/score.h"

namespace dt::api {
namespace {

#define DT_RUNNER_COLUMNS                                                                           \
  "id, name, region_id, api_key, sandbox_class, state, unschedulable, domain, api_url, proxy_url, " \
  "app_version, "                                                                                   \
  "cpu, memory, disk, metrics, score, last_checked, created_at, updated_at"

RunnerRecord from_row(const store::Row& row) {
  RunnerRecord r;
  r.id = row.id<RunnerId>(0);
  r.name = row.text(1);
  r.region = row.text(2);
  r.api_key = row.text(3);
  r.sandbox_class = row.text(4);
  r.state = row.text(5);
  r.unschedulable = row.flag(6);
  r.domain = row.opt_text(7);
  r.api_url = row.opt_text(8);
  r.proxy_url = row.opt_text(9);
  r.app_version = row.opt_text(10);
  r.cpu = row.real(11);
  r.memory = row.real(12);
  r.disk = row.real(13);
  if (!row.is_null(14))
    if (auto metrics = decode<contract::RunnerMetrics>(row.view(14))) r.metrics = *metrics;
  r.score = row.real(15);
  r.last_checked = row.opt_time(16);
  r.created_at = row.time(17);
  r.updated_at = row.time(18);
  return r;
}

struct Allocated {
  double cpu = 0, memory = 0, disk = 0;
  int64_t gpu = 0;
};

Result<Allocated> allocated_on(store::Reader& db, const RunnerId& id) {
  auto read = [](const store::Row& row) {
    return Allocated{row.real(0), row.real(1), row.real(2), row.integer(3)};
  };
  TRY(auto sums, db.one("SELECT total(CASE WHEN holds = 2 THEN cpu ELSE 0 END), total(CASE WHEN holds = 2 "
                        "THEN memory ELSE 0 END), "
                        "total(disk), coalesce(sum(gpu), 0) FROM sandboxes WHERE runner_id = ? AND holds > 0",
                        read, id));
  return sums.value_or(Allocated{});
}

bool fits(double promised, int64_t wanted, double capacity, double factor) {
  return capacity <= 0 || promised + static_cast<double>(wanted) <= capacity * factor;
}

bool fits(const RunnerRecord& runner, const Allocated& now, const Demand& demand,
          const Overcommit& overcommit) {
  return fits(now.cpu, demand.cpu, runner.cpu, overcommit.cpu) &&
         fits(now.memory, demand.memory, runner.memory, overcommit.memory) &&
         fits(now.disk, demand.disk, runner.disk, overcommit.disk);
}

// What the score knows of a placement is what was promised, not what the runner reported some seconds ago.
double score_with(const RunnerRecord& runner, const Allocated& now) {
  contract::RunnerMetrics m = runner.metrics;
  m.currentAllocatedCpu = now.cpu;
  m.currentAllocatedMemoryGiB = now.memory;
  m.currentAllocatedDiskGiB = now.disk;
  return availability_score(m);
}

}  // namespace

std::string_view runner_state(const RunnerRecord& runner, Wall now, Wall api_started) {
  if (runner.state != "ready" || !runner.last_checked) return runner.state;
  return now - std::max(*runner.last_checked, api_started) > kRunnerSilence ? "unresponsive" : "ready";
}

contract::Runner to_dto(const RunnerRecord& r, std::string_view state) {
  contract::Runner dto;
  dto.id = r.id.str();
  dto.domain = r.domain;
  dto.apiUrl = r.api_url;
  dto.proxyUrl = r.proxy_url;
  dto.cpu = r.cpu;
  dto.memory = r.memory;
  dto.disk = r.disk;
  dto.gpu = r.metrics.gpu;
  dto.gpuType = r.metrics.gpuType;
  dto.sandboxClass = r.sandbox_class;
  dto.currentCpuUsagePercentage = r.metrics.currentCpuUsagePercentage;
  dto.currentMemoryUsagePercentage = r.metrics.currentMemoryUsagePercentage;
  dto.currentDiskUsagePercentage = r.metrics.currentDiskUsagePercentage;
  dto.currentAllocatedCpu = r.metrics.currentAllocatedCpu;
  dto.currentAllocatedMemoryGiB = r.metrics.currentAllocatedMemoryGiB;
  dto.currentAllocatedDiskGiB = r.metrics.currentAllocatedDiskGiB;
  dto.currentSnapshotCount = r.metrics.currentSnapshotCount;
  dto.currentStartedSandboxes = *r.metrics.currentStartedSandboxes;
  dto.availabilityScore = r.score;
  dto.region = r.region;
  dto.name = r.name;
  dto.state = state;
  if (r.last_checked) dto.lastChecked = iso8601(*r.last_checked);
  dto.unschedulable = r.unschedulable;
  dto.createdAt = iso8601(r.created_at);
  dto.updatedAt = iso8601(r.updated_at);
  dto.appVersion = r.app_version;
  return dto;
}

contract::RunnerFull to_full_dto(const RunnerRecord& r, std::string_view state) {
  contract::RunnerFull full;
  static_cast<contract::Runner&>(full) = to_dto(r, state);
  full.apiKey = r.api_key;
  full.regionType = "shared";
  return full;
}

Result<std::optional<RunnerRecord>> find_runner(store::Reader& db, const RunnerId& id) {
  return db.one("SELECT " DT_RUNNER_COLUMNS " FROM runners WHERE id = ?", from_row, id);
}

Result<std::optional<RunnerRecord>> find_runner_by_key(store::Reader& db, std::string_view api_key) {
  return db.one("SELECT " DT_RUNNER_COLUMNS " FROM runners WHERE api_key = ?", from_row, api_key);
}

Result<std::optional<RunnerRecord>> find_runner_by_name(store::Reader& db, std::string_view region,
                                                        std::string_view name) {
  return db.one("SELECT " DT_RUNNER_COLUMNS " FROM runners WHERE region_id = ? AND name = ?", from_row,
                region, name);
}

Result<std::vector<RunnerRecord>> list_runners(store::Reader& db) {
  return db.all("SELECT " DT_RUNNER_COLUMNS " FROM runners ORDER BY created_at, id", from_row);
}

Status insert_runner(store::Txn& txn, const RunnerRecord& r) {
  TRY([[maybe_unused]] int64_t rows,
      txn.exec("INSERT INTO runners (" DT_RUNNER_COLUMNS
               ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               r.id, r.name, r.region, r.api_key, r.sandbox_class, r.state, r.unschedulable, r.domain,
               r.api_url, r.proxy_url, r.app_version, r.cpu, r.memory, r.disk, encode(r.metrics), r.score,
               r.last_checked, r.created_at, r.updated_at));
  return {};
}

Status save_runner(store::Txn& txn, const RunnerRecord& r) {
  TRY(int64_t rows,
      txn.exec("UPDATE runners SET api_key = ?, state = ?, unschedulable = ?, domain = ?, api_url = ?, "
               "proxy_url = ?, "
               "app_version = ?, cpu = ?, memory = ?, disk = ?, metrics = ?, score = ?, last_checked = ?, "
               "updated_at = ? "
               "WHERE id = ?",
               r.api_key, r.state, r.unschedulable, r.domain, r.api_url, r.proxy_url, r.app_version, r.cpu,
               r.memory, r.disk, encode(r.metrics), r.score, r.last_checked, r.updated_at, r.id));
  if (rows != 1) return fail(Code::not_found, "Runner not found");
  return {};
}

Result<RunnerRecord> choose_runner(store::Reader& db, const Demand& demand, const Overcommit& overcommit,
                                   Wall now, Wall api_started) {
  TRY(auto runners, list_runners(db));
  std::optional<RunnerRecord> best;
  double best_score = -1;
  for (RunnerRecord& runner : runners) {
    bool possible = runner_state(runner, now, api_started) == "ready" && !runner.unschedulable &&
                    runner.region == demand.region && runner.sandbox_class == demand.sandbox_class;
    if (!possible || (demand.runner && *demand.runner != runner.id.str())) continue;
    TRY(Allocated promised, allocated_on(db, runner.id));
    if (!fits(runner, promised, demand, overcommit)) continue;
    double score = score_with(runner, promised);
    if (score <= best_score) continue;
    best_score = score;
    best = std::move(runner);
  }
  if (!best) return fail(Code::bad_request, "No available runners");
  return std::move(*best);
}

}  // namespace dt::api
