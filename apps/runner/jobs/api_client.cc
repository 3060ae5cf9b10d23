#include "apps/runner/jobs/api_client.h"

#include <algorithm>

#include "libs/contract/sandbox.h"

namespace dt::runner {

using namespace std::chrono_literals;

BOOST_DESCRIBE_STRUCT(ExpectedSandbox, (), (id, state, desiredState))

namespace {
Status expect_success(const HttpClient::Reply& reply, std::string_view what) {
  if (reply.status < 300) return {};
  return fail(code_from_status(reply.status), std::string(what) + ": the API answered " +
                                                  std::to_string(reply.status) + " " +
                                                  reply.body.substr(0, 500));
}
}  // namespace

ApiClient::ApiClient(Endpoint api, Secret runner_key) : api_(std::move(api)), key_(std::move(runner_key)) {}

Task<Result<HttpClient::Reply>> ApiClient::call(const CallContext& ctx, std::string method,
                                                std::string target, std::string body) {
  ClientRequest request;
  request.method = std::move(method);
  request.target = "/api" + target;
  request.headers.set("Authorization", "Bearer " + key_.reveal());
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto reply = co_await client_.call(ctx, api_, std::move(request));
  co_return reply;
}

Task<Result<std::vector<contract::Job>>> ApiClient::poll(const CallContext& ctx, std::chrono::seconds wait,
                                                         int limit) {
  CallContext bounded = ctx;
  bounded.deadline = std::min(ctx.deadline, after(wait + 15s));
  std::string target =
      "/jobs/poll?timeout=" + std::to_string(wait.count()) + "&limit=" + std::to_string(limit);
  auto reply = co_await call(bounded, "GET", std::move(target));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  CO_TRY_VOID(expect_success(*reply, "poll for jobs"));
  CO_TRY(auto answer, decode<contract::PollJobsResponse>(reply->body));
  co_return std::move(answer.jobs);
}

Task<Result<std::vector<contract::Job>>> ApiClient::unfinished(const CallContext& ctx) {
  std::vector<contract::Job> jobs;
  for (int page = 1;; ++page) {
    auto reply = co_await call(ctx, "GET", "/jobs?status=IN_PROGRESS&limit=200&page=" + std::to_string(page));
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    CO_TRY_VOID(expect_success(*reply, "list unfinished jobs"));
    CO_TRY(auto answer, decode<contract::PaginatedJobs>(reply->body));
    std::ranges::move(answer.items, std::back_inserter(jobs));
    if (page >= answer.totalPages) co_return jobs;
  }
}

Task<Status> ApiClient::report(const CallContext& ctx, const std::string& job_id,
                               const contract::UpdateJobStatus& result) {
  for (auto delay = 50ms;; delay = std::min<Millis>(delay * 2, 2000ms)) {
    CallContext bounded = ctx;
    bounded.deadline = std::min(ctx.deadline, after(30s));
    auto reply = co_await call(bounded, "POST", "/jobs/" + job_id + "/status", encode(result));
    if (reply && reply->status < 500 && reply->status != 429)
      co_return expect_success(*reply, "report of job " + job_id);
    if (ctx.cancel.cancelled()) co_return fail(Code::cancelled, "the runner is stopping");
    co_await Loop::current().sleep_for(delay);
  }
}

Task<Status> ApiClient::healthcheck(const CallContext& ctx, const contract::RunnerHealthcheck& health) {
  auto reply = co_await call(ctx, "POST", "/runners/healthcheck", encode(health));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return expect_success(*reply, "healthcheck");
}

Task<Result<std::vector<ExpectedSandbox>>> ApiClient::expected(const CallContext& ctx) {
  auto reply = co_await call(ctx, "GET", "/sandbox/for-runner");
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  CO_TRY_VOID(expect_success(*reply, "list of sandboxes"));
  CO_TRY(auto json, json::parse(reply->body));
  std::vector<ExpectedSandbox> out;
  Violations violations;
  codec::read(json, out, codec::Where{"sandboxes", violations});
  if (!violations.empty()) co_return fail(Code::bad_gateway, "list of sandboxes: " + violations.joined());
  co_return out;
}

Task<Status> ApiClient::report_state(const CallContext& ctx, const std::string& sandbox_id,
                                     const std::string& state, const std::string& reason) {
  contract::UpdateSandboxState report{.state = state,
                                      .errorReason = reason.empty() ? std::nullopt : std::optional(reason),
                                      .recoverable = {}};
  auto reply = co_await call(ctx, "PUT", "/sandbox/" + sandbox_id + "/state", encode(report));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return expect_success(*reply, "state of sandbox " + sandbox_id);
}

}  // namespace dt::runner
