#include "apps/runner/jobs/job_loop.h"

#include <set>

#include "apps/runner/jobs/capacity.h"
#include "apps/runner/jobs/executor.h"
#include "libs/base/log.h"

namespace dt::runner {

using namespace std::chrono_literals;

struct JobLoop::Impl {
  Impl(JobLoopConfig c, ApiClient& a, Sandboxes& s)
      : config(std::move(c)),
        api(a),
        sandboxes(s),
        probe(config.state_dir),
        workers(config.worker_threads, "job"),
        loop(Loop::current()),
        scope("jobs") {}

  JobLoopConfig config;
  ApiClient& api;
  Sandboxes& sandboxes;
  CapacityProbe probe;
  WorkerPool workers;
  Loop& loop;
  TaskScope scope;
  std::set<std::string> running;  // job ids: a job that is listed twice runs once
  CallContext ctx;

  void begin(contract::Job job);
  static Task<void> run_job(Impl& self, contract::Job job);
  static Task<void> health(Impl& self);
  static Task<void> tell_death(Impl& self, SandboxId id);
  Task<Status> resume();
  Task<Status> reconcile();
  Task<void> send_health();
};

JobLoop::JobLoop(JobLoopConfig config, ApiClient& api, Sandboxes& sandboxes)
    : impl_(std::make_unique<Impl>(std::move(config), api, sandboxes)) {}
JobLoop::~JobLoop() = default;

void JobLoop::Impl::begin(contract::Job job) {
  if (!running.insert(job.id).second) return;
  scope.spawn(run_job(*this, std::move(job)));
}

Task<void> JobLoop::Impl::run_job(Impl& self, contract::Job job) {
  auto work = [&] { return execute(job, self.sandboxes); };
  contract::UpdateJobStatus result = co_await self.workers.run(work);
  Status told = co_await self.api.report(self.ctx, job.id, result);
  if (!told)
    log::error("the result of a job was not accepted", {{"job", job.id}, {"error", told.error().message}});
  self.running.erase(job.id);
}

Task<void> JobLoop::Impl::send_health() {
  contract::RunnerHealthcheck health;
  health.metrics = probe.sample(sandboxes.totals());
  health.proxyUrl = config.public_url;
  health.apiUrl = config.public_url;
  health.appVersion = "v" DT_VERSION;
  CallContext bounded = ctx;
  bounded.deadline = after(10s);
  Status sent = co_await api.healthcheck(bounded, health);
  if (!sent) log::warn("healthcheck failed", {{"error", sent.error().message}});
}

Task<void> JobLoop::Impl::health(Impl& self) {
  Event stop;
  size_t id = self.ctx.cancel.on_cancel([&] { stop.set(); });
  while (!stop.is_set()) {
    co_await self.send_health();
    bool stopped = co_await stop.wait(after(self.config.health_interval));
    if (stopped) break;
  }
  self.ctx.cancel.remove(id);
}

// What the API believes against what is here. Sandboxes it does not know are removed; ones that should run
// and do not are reported.
Task<Status> JobLoop::Impl::reconcile() {
  auto expected = co_await api.expected(ctx);
  if (!expected) co_return std::unexpected(std::move(expected.error()));
  std::set<std::string> known;
  for (const ExpectedSandbox& e : *expected) {
    known.insert(e.id);
    if (e.state == "started" && e.desiredState == "started" &&
        sandboxes.state(SandboxId(e.id)) != SandboxState::started) {
      bool lost = sandboxes.state(SandboxId(e.id)) == SandboxState::missing;
      Status told = co_await api.report_state(ctx, e.id, lost ? "error" : "stopped",
                                              lost ? "the sandbox is not on its runner any more" : "");
      if (!told) log::warn("cannot report a sandbox", {{"sandbox", e.id}, {"error", told.error().message}});
    }
  }
  for (const SandboxId& id : sandboxes.list()) {
    if (known.contains(id.str())) continue;
    log::warn("removing a sandbox the API does not know", {{"sandbox", id.str()}});
    auto work = [&] { return sandboxes.destroy(id); };
    Status gone = co_await workers.run(work);
    if (!gone) log::error("cannot remove it", {{"sandbox", id.str()}, {"error", gone.error().message}});
  }
  co_return Status{};
}

// Before the first poll: jobs claimed by the run before this one, then the comparison of books.
Task<Status> JobLoop::Impl::resume() {
  auto jobs = co_await api.unfinished(ctx);
  if (!jobs) co_return std::unexpected(std::move(jobs.error()));
  for (contract::Job& job : *jobs) begin(std::move(job));
  while (!running.empty()) co_await loop.sleep_for(5ms);
  Status same = co_await reconcile();
  co_return same;
}

Task<void> JobLoop::run(CancelSource cancel) {
  Impl& self = *impl_;
  self.ctx.cancel = cancel;
  self.scope.spawn(Impl::health(self));
  bool resumed = false;
  while (!cancel.cancelled()) {
    if (!resumed) {
      Status done = co_await self.resume();
      resumed = done.has_value();
      if (!resumed) {
        if (!cancel.cancelled()) log::warn("the API is not reachable yet", {{"error", done.error().message}});
        co_await self.loop.sleep_for(200ms);
        continue;
      }
    }
    auto jobs = co_await self.api.poll(self.ctx, self.config.poll_wait, 100);
    if (jobs) {
      for (contract::Job& job : *jobs) self.begin(std::move(job));
    } else if (!cancel.cancelled()) {
      log::warn("cannot poll for jobs", {{"error", jobs.error().message}});
      resumed = false;  // jobs may have been claimed by the answer that was lost
      co_await self.loop.sleep_for(200ms);
    }
  }
  co_await self.scope.join();
}

Task<void> JobLoop::Impl::tell_death(Impl& self, SandboxId id) {
  for (auto delay = 100ms; !self.ctx.cancel.cancelled(); delay = std::min<Millis>(delay * 2, 5000ms)) {
    Status told = co_await self.api.report_state(self.ctx, id.str(), "stopped", "");
    if (told || http_status(told.error().code) < 500) co_return;  // a refusal means that the API knows better
    co_await self.loop.sleep_for(delay);
  }
}

void JobLoop::sandbox_died(const SandboxId& id) {
  impl_->loop.post([this, id] { impl_->scope.spawn(Impl::tell_death(*impl_, id)); });
}

}  // namespace dt::runner
