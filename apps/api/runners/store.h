// Records of runners and the choice of one for a sandbox (contract api-sandbox §19, §20).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/runner.h"
#include "libs/store/db.h"

namespace dt::api {

struct RunnerRecord {
  RunnerId id;
  std::string name, region, api_key;
  std::string sandbox_class = "container";
  std::string state =
      "initializing";  // initializing ready unresponsive decommissioned; as last told, see runner_state()
  bool unschedulable = false;
  std::optional<std::string> domain, api_url, proxy_url, app_version;
  double cpu = 0, memory = 0, disk = 0;  // capacity; 0: not reported
  contract::RunnerMetrics metrics;
  double score = 0;
  std::optional<Wall> last_checked;
  Wall created_at{}, updated_at{};
};

// A runner is trusted for 60 s after it was heard, and after the API started.
inline constexpr Millis kRunnerSilence{60'000};
std::string_view runner_state(const RunnerRecord& runner, Wall now, Wall api_started);

contract::Runner to_dto(const RunnerRecord& runner, std::string_view state);
contract::RunnerFull to_full_dto(const RunnerRecord& runner, std::string_view state);

Result<std::optional<RunnerRecord>> find_runner(store::Reader& db, const RunnerId& id);
Result<std::optional<RunnerRecord>> find_runner_by_key(store::Reader& db, std::string_view api_key);
Result<std::optional<RunnerRecord>> find_runner_by_name(store::Reader& db, std::string_view region,
                                                        std::string_view name);
Result<std::vector<RunnerRecord>> list_runners(store::Reader& db);
Status insert_runner(store::Txn& txn, const RunnerRecord& runner);
Status save_runner(store::Txn& txn, const RunnerRecord& runner);

// How much of a machine may be promised more than once. The defaults let a development machine hold a
// thousand small sandboxes, most of which sleep.
struct Overcommit {
  double cpu = 1000, memory = 200, disk = 100;
};
struct Demand {
  std::string region, sandbox_class;
  int64_t cpu = 0, memory = 0, disk = 0, gpu = 0;
  std::optional<std::string> runner;  // this one or none
};
// The best of the ready runners that the demand fits on; bad_request "No available runners".
Result<RunnerRecord> choose_runner(store::Reader& db, const Demand& demand, const Overcommit& overcommit,
                                   Wall now, Wall api_started);

}  // namespace dt::api
