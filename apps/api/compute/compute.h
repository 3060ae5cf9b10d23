// The sandbox half of the API put together: jobs, runners, sandboxes, previews. wiring.cc makes one of these.
#pragma once
#include <vector>

#include "apps/api/jobs/routes.h"
#include "apps/api/preview/preview.h"
#include "apps/api/preview/signing_keys.h"
#include "apps/api/runners/runners.h"
#include "apps/api/sandbox/intervals.h"
#include "apps/api/sandbox/routes.h"

namespace dt::api {

class Compute {
 public:
  // The references must outlive it.
  Compute(store::Database& db, Clock& clock, EventHub& hub, SandboxSettings settings);
  ~Compute();
  // Before serving: registers the default runner, queues unfinished jobs, continues pending sandboxes, starts
  // the clockwork.
  Task<Status> start(DefaultRunner runner);
  std::vector<ApiRoute> table();
  // For the authenticator.
  Result<std::optional<RunnerId>> runner_by_key(std::string_view key);
  // Ends waiting polls, so that the server can drain.
  void close();
  // After the server drained.
  Task<void> stop();

  Jobs& jobs() { return jobs_; }
  Intervals& intervals() { return intervals_; }
  SandboxLedger& ledger() { return ledger_; }
  Sandboxes& sandboxes() { return sandboxes_; }

 private:
  static Task<void> keep_jobs(Compute& self);

  store::Database& db_;
  Jobs jobs_;
  Runners runners_;
  SandboxLedger ledger_;
  Activity activity_;
  Intervals intervals_;
  Sandboxes sandboxes_;
  JobRoutes job_routes_;
  SandboxRoutes sandbox_routes_;
  Preview preview_;
  SigningKeys signing_keys_;
  TaskScope scope_;
  Event stopping_;
};

}  // namespace dt::api
