#include "apps/api/jobs/jobs.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

constexpr size_t kLongestMessage = 10'000;
constexpr auto kLiveFor = std::chrono::seconds(90);  // after the last poll
constexpr int64_t kLostPerTick = 100;

// The first line and the end: what says most about a failure.
std::string shortened(std::string text) {
  static constexpr std::string_view kGap = "\n\n... [truncated] ...\n\n";
  if (text.size() <= kLongestMessage) return text;
  std::string head = text.substr(0, std::min(text.find('\n'), kLongestMessage / 2));
  size_t rest = kLongestMessage - head.size() - kGap.size();
  return replace_invalid_utf8(head + std::string(kGap) + text.substr(text.size() - rest));
}

bool legal(std::string_view from, std::string_view to) {
  using namespace contract::job_status;
  if (from == to) return true;
  if (from == kPending) return to == kInProgress || to == kFailed || to == kCompleted;
  return from == kInProgress && (to == kCompleted || to == kFailed);
}

}  // namespace

JobRecord Jobs::make(const Live& live, const RunnerId& runner, std::string_view type, std::string resource_id,
                     std::optional<std::string> payload, Wall now) {
  bool claimed = live && live->contains(runner.str());
  return {.id = JobId(uuid_v4()),
          .runner = runner,
          .type = std::string(type),
          .status = std::string(claimed ? contract::job_status::kInProgress : contract::job_status::kPending),
          .resource_id = std::move(resource_id),
          .payload = std::move(payload),
          .error_message = {},
          .result_metadata = {},
          .created_at = now,
          .updated_at = now};
}

Status Jobs::load() {
  TRY(auto jobs, db_.read([](store::Reader& r) { return unfinished_jobs(r); }));
  for (JobRecord& job : jobs)
    if (job.status == contract::job_status::kInProgress)
      lines_[job.runner.str()].ready.push_back(std::move(job));
  return {};
}

void Jobs::deliver(JobRecord job) {
  Line& to = line(job.runner);
  if (job.status == contract::job_status::kInProgress)
    to.ready.push_back(std::move(job));
  else
    to.look_in_store = true;
  to.changed.set();
}

Result<std::vector<JobRecord>> Jobs::take(Line& from, int64_t limit) {
  std::vector<JobRecord> jobs;
  while (!from.ready.empty() && std::cmp_less(jobs.size(), limit)) {
    jobs.push_back(std::move(from.ready.front()));
    from.ready.pop_front();
  }
  return jobs;
}

Task<Result<std::vector<JobRecord>>> Jobs::poll(const CallContext& ctx, RunnerId runner, Millis timeout,
                                                int64_t limit) {
  Mono deadline = std::min(after(timeout), ctx.deadline);
  Line& own = line(runner);
  size_t on_cancel = ctx.cancel.on_cancel([&own] { own.changed.set(); });
  ++own.waiting;
  refresh_live();
  Result<std::vector<JobRecord>> jobs{};
  while (!ctx.cancel.cancelled()) {
    jobs = take(own, limit);
    if (!jobs->empty()) break;
    if (std::exchange(own.look_in_store, false)) {
      Wall now = clock_.wall();
      jobs = co_await db_.write([=](store::Txn& txn) { return claim_pending_jobs(txn, runner, limit, now); });
      if (!jobs || !jobs->empty()) {
        own.look_in_store = true;  // there may be more than `limit`
        break;
      }
      continue;
    }
    if (closed_) break;
    own.changed.reset();
    bool woken = co_await own.changed.wait(deadline);
    if (!woken) break;
  }
  ctx.cancel.remove(on_cancel);
  if (ctx.cancel.cancelled() && jobs && !jobs->empty()) {
    // Nobody is there to take them any more: the next poll gets them.
    own.ready.insert(own.ready.begin(), std::make_move_iterator(jobs->begin()),
                     std::make_move_iterator(jobs->end()));
    own.changed.set();
    jobs->clear();
  }
  --own.waiting;
  own.last_poll = clock_.wall();
  refresh_live();
  co_return jobs;
}

void Jobs::refresh_live() {
  std::set<std::string> now_live;
  for (const auto& [id, line] : lines_)
    if (line.waiting > 0 || clock_.wall() - line.last_poll < kLiveFor) now_live.insert(id);
  if (now_live != *live_) live_ = std::make_shared<std::set<std::string>>(std::move(now_live));
}

Task<Result<JobRecord>> Jobs::end_job(JobId id, std::function<Result<bool>(JobRecord&)> change) {
  struct Ended {
    JobRecord job;
    JobSink::AfterCommit after;
  };
  auto ended = co_await db_.write([sink = sink_, id, change = std::move(change), now = clock_.wall(),
                                   live = live_](store::Txn& txn) -> Result<Ended> {
    TRY(auto found, find_job(txn, id));
    if (!found) return fail(Code::not_found, "Job not found");
    Ended out{std::move(*found), {}};
    bool was_complete = out.job.complete();
    TRY(bool changed, change(out.job));
    if (!changed) return out;
    out.job.updated_at = now;
    TRY_VOID(save_job(txn, out.job));
    if (!was_complete && out.job.complete() && sink) {
      TRY(out.after, sink->job_ended(txn, out.job, now, live));
    }
    return out;
  });
  if (!ended) co_return std::unexpected(std::move(ended).error());
  if (ended->after) ended->after();
  co_return std::move(ended->job);
}

Task<Result<JobRecord>> Jobs::update(RunnerId runner, JobId id, contract::UpdateJobStatus body) {
  auto change = [runner, body = std::move(body)](JobRecord& job) -> Result<bool> {
    if (job.runner != runner) return fail(Code::not_found, "Job not found");
    if (!legal(job.status, body.status))
      return fail(Code::conflict, fmt::format("Invalid job status transition from {} to {} for job {}",
                                              job.status, body.status, job.id.str()));
    // A repeated end was applied in the transaction that wrote the first one.
    if (job.complete()) return false;
    job.status = body.status;
    if (body.errorMessage) job.error_message = shortened(*body.errorMessage);
    if (body.resultMetadata) job.result_metadata = body.resultMetadata;
    return true;
  };
  auto job = co_await end_job(std::move(id), std::move(change));
  if (job && job->complete()) {
    auto& ready = line(job->runner).ready;
    std::erase_if(ready, [&](const JobRecord& queued) { return queued.id == job->id; });
  }
  co_return job;
}

Task<Status> Jobs::tick() {
  Wall now = clock_.wall();
  refresh_live();
  auto lost = db_.read([=](store::Reader& r) { return lost_jobs(r, now, kLostPerTick); });
  if (!lost) co_return std::unexpected(std::move(lost).error());
  for (const JobRecord& job : *lost) {
    auto change = [](JobRecord& j) -> Result<bool> {
      if (j.complete()) return false;
      j.status = contract::job_status::kFailed;
      j.error_message =
          fmt::format("Job timed out - no update received for {} minutes", job_limit_minutes(j.type));
      return true;
    };
    auto ended = co_await end_job(job.id, change);
    if (!ended)
      log::error("a lost job could not be ended", {{"job", job.id.str()}, {"error", ended.error().message}});
    auto& ready = line(job.runner).ready;
    std::erase_if(ready, [&](const JobRecord& queued) { return queued.id == job.id; });
  }
  CO_TRY(bool old, db_.read([=](store::Reader& r) { return has_old_jobs(r, now); }));
  if (!old) co_return Status{};
  auto removed = co_await db_.write([=](store::Txn& txn) { return remove_old_jobs(txn, now); });
  if (!removed) co_return std::unexpected(std::move(removed).error());
  co_return Status{};
}

void Jobs::seen(const RunnerId& runner, const std::vector<JobRecord>& jobs) {
  auto& ready = line(runner).ready;
  std::erase_if(ready, [&](const JobRecord& queued) {
    return std::ranges::any_of(jobs, [&](const JobRecord& job) { return job.id == queued.id; });
  });
}

void Jobs::close() {
  closed_ = true;
  for (auto& [id, line] : lines_) line.changed.set();
}

}  // namespace dt::api
