// The runner's side of the conversation with the API: it dials out, with its key, and nothing else. For one
// loop.
#pragma once
#include <string>
#include <vector>

#include "libs/base/secret.h"
#include "libs/contract/job.h"
#include "libs/contract/runner.h"
#include "libs/net/http_client.h"

namespace dt::runner {

// One sandbox the API believes to be here, for reconciliation.
struct ExpectedSandbox {
  std::string id, state, desiredState;
};

class ApiClient {
 public:
  ApiClient(Endpoint api, Secret runner_key);

  // Claims pending jobs; waits up to `wait` for one. An empty list when there was none.
  Task<Result<std::vector<contract::Job>>> poll(const CallContext& ctx, std::chrono::seconds wait, int limit);
  // Jobs that an earlier run of this runner claimed and did not finish.
  Task<Result<std::vector<contract::Job>>> unfinished(const CallContext& ctx);
  // Retries while the API is away (it may be restarting); gives up on a 4xx answer.
  Task<Status> report(const CallContext& ctx, const std::string& job_id,
                      const contract::UpdateJobStatus& result);
  Task<Status> healthcheck(const CallContext& ctx, const contract::RunnerHealthcheck& health);
  Task<Result<std::vector<ExpectedSandbox>>> expected(const CallContext& ctx);
  Task<Status> report_state(const CallContext& ctx, const std::string& sandbox_id, const std::string& state,
                            const std::string& reason);

 private:
  Task<Result<HttpClient::Reply>> call(const CallContext& ctx, std::string method, std::string target,
                                       std::string body = {});
  HttpClient client_;
  Endpoint api_;
  Secret key_;
};

}  // namespace dt::runner
