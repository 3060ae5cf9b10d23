// Runners: the default one is registered at the start, each proves itself by healthchecks. Loop thread only.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/runners/store.h"
#include "libs/base/secret.h"

namespace dt::api {

struct DefaultRunner {
  std::string name, region, sandbox_class;
  Secret api_key;
};

class Runners {
 public:
  Runners(store::Database& db, Clock& clock) : db_(db), clock_(clock), started_(clock.wall()) {}
  // Registers the default runner, or gives it the configured key. Idempotent.
  Task<Status> ensure_default(DefaultRunner config);
  std::vector<ApiRoute> table();
  Wall started() const { return started_; }

 private:
  Result<contract::RunnerFull> me(Call& call);
  Result<contract::RunnerFull> by_sandbox(Call& call);
  Result<contract::RunnerFull> full(Call& call);
  // Runners of the caller's own regions: there are none yet.
  Result<std::vector<contract::Runner>> of_organization(Call& call);
  Result<contract::Runner> one_of_organization(Call& call);
  // For administrators.
  Result<std::vector<contract::RunnerFull>> all(Call& call);
  Task<Result<NoContent>> set_scheduling(Call& call, contract::RunnerScheduling body);
  Task<Result<NoContent>> healthcheck(Call& call, contract::RunnerHealthcheck body);
  contract::RunnerFull dto(const RunnerRecord& runner) const;

  store::Database& db_;
  Clock& clock_;
  Wall started_;
};

}  // namespace dt::api
