// Routes of /jobs: for runners only.
#pragma once
#include <vector>

#include "apps/api/jobs/jobs.h"
#include "apps/api/pipeline/route.h"

namespace dt::api {

class JobRoutes {
 public:
  JobRoutes(store::Database& db, Jobs& jobs) : db_(db), jobs_(jobs) {}
  std::vector<ApiRoute> table();

 private:
  Task<Result<contract::PollJobsResponse>> poll(Call& call);
  Task<Result<contract::Job>> update(Call& call, contract::UpdateJobStatus body);
  Result<contract::PaginatedJobs> list(Call& call);
  Result<contract::Job> get(Call& call);

  store::Database& db_;
  Jobs& jobs_;
};

}  // namespace dt::api
