// Takes jobs from the API and runs each at once on a worker thread; the API orders jobs of one sandbox. Also
// keeps the API's picture of this machine right: healthchecks, deaths, reconciliation after a restart.
#pragma once
#include <functional>

#include "apps/runner/jobs/api_client.h"
#include "apps/runner/sandboxes/sandboxes.h"

namespace dt::runner {

struct JobLoopConfig {
  std::chrono::seconds poll_wait{30};
  std::chrono::seconds health_interval{10};
  std::string public_url;      // of this runner's HTTP server, for the proxy
  std::string state_dir;       // its file system is the disk that is reported
  size_t worker_threads = 32;  // jobs at once; most of a job is waiting
};

class JobLoop {
 public:
  JobLoop(JobLoopConfig config, ApiClient& api, Sandboxes& sandboxes);
  ~JobLoop();
  // Runs until cancelled; finishes the jobs that are running.
  Task<void> run(CancelSource cancel);
  // From any thread: the sandbox died by itself; the API is told until it knows.
  void sandbox_died(const SandboxId& id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
