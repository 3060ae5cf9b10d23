#include "apps/api/jobs/routes.h"

#include "apps/api/pipeline/query.h"

namespace dt::api {
namespace {

constexpr int64_t kPollTimeout = 30, kLongestPoll = 60;  // seconds

}  // namespace

std::vector<ApiRoute> JobRoutes::table() {
  Access runner = only({Role::runner});
  return {
      route({"GET", "/jobs", runner}, this, &JobRoutes::list),
      route({"GET", "/jobs/poll", runner}, this, &JobRoutes::poll),
      route({"GET", "/jobs/{jobId}", runner}, this, &JobRoutes::get),
      route({"POST", "/jobs/{jobId}/status", runner, 201}, this, &JobRoutes::update),
  };
}

Task<Result<contract::PollJobsResponse>> JobRoutes::poll(Call& call) {
  Violations wrong;
  int64_t timeout = query_int(call.request.query, "timeout", {kPollTimeout, 0, 86'400}, wrong);
  int64_t limit = query_int(call.request.query, "limit", {10, 1, 100}, wrong);
  CO_TRY_VOID(checked(wrong));
  Millis wait = std::chrono::seconds(std::min(timeout, kLongestPoll));
  auto jobs = co_await jobs_.poll(call.ctx, call.who.runner, wait, limit);
  if (!jobs) co_return std::unexpected(std::move(jobs).error());
  contract::PollJobsResponse out;
  for (const JobRecord& job : *jobs) out.jobs.push_back(to_dto(job));
  co_return out;
}

Task<Result<contract::Job>> JobRoutes::update(Call& call, contract::UpdateJobStatus body) {
  JobId id{std::string(call.param("jobId"))};
  auto job = co_await jobs_.update(call.who.runner, std::move(id), std::move(body));
  if (!job) co_return std::unexpected(std::move(job).error());
  co_return to_dto(*job);
}

Result<contract::PaginatedJobs> JobRoutes::list(Call& call) {
  Violations wrong;
  int64_t page = query_int(call.request.query, "page", {1, 1, INT32_MAX}, wrong);
  int64_t limit = query_int(call.request.query, "limit", {100, 1, 200}, wrong);
  std::string status(call.request.query.get("status").value_or(""));
  if (!status.empty()) check(contract::UpdateJobStatus{status, {}, {}}, wrong);
  TRY_VOID(checked(wrong));
  RunnerId runner = call.who.runner;
  TRY(auto found, db_.read([&](store::Reader& r) { return list_jobs(r, runner, status, page, limit); }));
  jobs_.seen(runner, found.items);
  contract::PaginatedJobs out{
      .items = {}, .total = found.total, .page = page, .totalPages = (found.total + limit - 1) / limit};
  for (const JobRecord& job : found.items) out.items.push_back(to_dto(job));
  return out;
}

Result<contract::Job> JobRoutes::get(Call& call) {
  JobId id{std::string(call.param("jobId"))};
  TRY(auto job, db_.read([&](store::Reader& r) { return find_job(r, id); }));
  if (!job || job->runner != call.who.runner) return fail(Code::not_found, "Job not found");
  return to_dto(*job);
}

}  // namespace dt::api
