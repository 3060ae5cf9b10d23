#include "apps/api/compute/compute.h"

#include "libs/base/log.h"

namespace dt::api {
namespace {

constexpr auto kJobsEvery = std::chrono::seconds(30);

void append(std::vector<ApiRoute>& all, std::vector<ApiRoute> more) {
  for (ApiRoute& row : more) all.push_back(std::move(row));
}

}  // namespace

Compute::Compute(store::Database& db, Clock& clock, EventHub& hub, SandboxSettings settings)
    : db_(db),
      jobs_(db, clock),
      runners_(db, clock),
      ledger_(db, clock, jobs_, hub, std::move(settings)),
      activity_(ledger_),
      intervals_(ledger_, activity_),
      sandboxes_(ledger_, activity_),
      job_routes_(db, jobs_),
      sandbox_routes_(ledger_, sandboxes_),
      preview_(ledger_, sandboxes_),
      signing_keys_(ledger_, sandboxes_),
      scope_("compute") {
  jobs_.set_sink(&ledger_);
  ledger_.on_due = [this](Wall due) { intervals_.look_at(due); };
}

Compute::~Compute() = default;

Task<Status> Compute::start(DefaultRunner runner) {
  auto registered = co_await runners_.ensure_default(std::move(runner));
  if (!registered) co_return registered;
  CO_TRY_VOID(jobs_.load());
  auto resumed = co_await ledger_.resume();
  if (!resumed) co_return resumed;
  scope_.spawn(intervals_.run(scope_.cancel()));
  scope_.spawn(keep_jobs(*this));
  co_return Status{};
}

std::vector<ApiRoute> Compute::table() {
  std::vector<ApiRoute> all;
  append(all, sandbox_routes_.table());
  append(all, preview_.table());
  append(all, signing_keys_.table());
  append(all, runners_.table());
  append(all, job_routes_.table());
  return all;
}

Result<std::optional<RunnerId>> Compute::runner_by_key(std::string_view key) {
  TRY(auto runner, db_.read([&](store::Reader& r) { return find_runner_by_key(r, key); }));
  return runner ? std::optional(runner->id) : std::nullopt;
}

Task<void> Compute::keep_jobs(Compute& self) {
  while (!self.stopping_.is_set()) {
    auto done = co_await self.jobs_.tick();
    if (!done) log::error("jobs", {{"error", done.error().message}});
    co_await self.stopping_.wait(after(kJobsEvery));
  }
}

void Compute::close() { jobs_.close(); }

Task<void> Compute::stop() {
  close();
  stopping_.set();
  scope_.cancel().cancel();
  co_await scope_.join();
}

}  // namespace dt::api
