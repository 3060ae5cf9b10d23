#include "apps/proxy/directory.h"

#include <algorithm>

#include "libs/base/text.h"
#include "libs/contract/runner.h"

namespace dt::proxy {

using namespace std::chrono_literals;

namespace {
// The answer says nothing about what was asked.
bool away(int status) { return status >= 500 || status == 408 || status == 429; }
}  // namespace

Task<Result<HttpClient::Reply>> Directory::call(const CallContext& ctx, ClientRequest request) {
  CallContext bounded = ctx;
  bounded.deadline = std::min(ctx.deadline, after(15s));
  if (!request.headers.get("Authorization"))
    request.headers.set("Authorization", "Bearer " + config_.api_key.reveal());
  auto reply = co_await client_.call(bounded, config_.api, std::move(request));
  co_return reply;
}

Task<Result<int>> Directory::ask_status(const CallContext& ctx, std::string cache_key, ClientRequest request,
                                        Millis yes, Millis no) {
  if (const int* known = answers_.find(cache_key)) co_return *known;
  auto reply = co_await call(ctx, std::move(request));
  if (!reply) co_return fail(Code::unavailable, "the API does not answer: " + reply.error().message);
  if (away(reply->status))
    co_return fail(Code::unavailable, "the API answered " + std::to_string(reply->status));
  answers_.put(std::move(cache_key), reply->status, reply->status < 300 ? yes : no);
  co_return reply->status;
}

Task<Result<bool>> Directory::ask(const CallContext& ctx, std::string cache_key, ClientRequest request,
                                  Millis yes, Millis no) {
  auto status = co_await ask_status(ctx, std::move(cache_key), std::move(request), yes, no);
  if (!status) co_return std::unexpected(std::move(status.error()));
  co_return *status < 300;
}

Task<Result<RunnerAddress>> Directory::runner_of(const CallContext& ctx, const std::string& sandbox) {
  if (const RunnerAddress* known = runners_.find(sandbox)) co_return *known;
  ClientRequest request;
  request.target = "/api/runners/by-sandbox/" + percent_encode(sandbox);
  auto reply = co_await call(ctx, std::move(request));
  if (!reply) co_return fail(Code::unavailable, "failed to get runner info: " + reply.error().message);
  if (reply->status >= 500)
    co_return fail(Code::unavailable,
                   "failed to get runner info: the API answered " + std::to_string(reply->status));
  if (reply->status >= 300)
    co_return fail(Code::bad_request, "failed to get runner info: the sandbox has no runner");
  CO_TRY(auto runner, decode<contract::RunnerFull>(reply->body));
  std::string url = runner.proxyUrl.value_or("");
  if (!url.starts_with("http://")) co_return fail(Code::bad_request, "runner proxy URL not found");
  CO_TRY(Endpoint endpoint, Endpoint::parse(url.substr(7)));
  RunnerAddress address{std::move(endpoint), std::move(runner.apiKey)};
  runners_.put(sandbox, address, config_.route_ttl);
  co_return address;
}

Task<Result<Directory::Bearer>> Directory::bearer_access(const CallContext& ctx, const std::string& sandbox,
                                                         const std::string& authorization,
                                                         const std::string& peer) {
  ClientRequest request;
  request.target = "/api/preview/" + percent_encode(sandbox) + "/access";
  request.headers.set("Authorization", authorization);
  request.headers.set("X-Forwarded-For", peer);
  std::string cache_key = "b:" + sandbox + ":" + authorization;
  auto status = co_await ask_status(ctx, std::move(cache_key), std::move(request), config_.access_ttl,
                                    config_.refusal_ttl);
  if (!status) co_return std::unexpected(std::move(status.error()));
  co_return *status < 300 ? Bearer::granted : *status == 404 ? Bearer::no_access : Bearer::invalid;
}

Task<Result<bool>> Directory::preview_token_valid(const CallContext& ctx, const std::string& sandbox,
                                                  const std::string& token) {
  ClientRequest request;
  request.target = "/api/preview/" + percent_encode(sandbox) + "/validate/" + percent_encode(token);
  auto valid = co_await ask(ctx, "t:" + sandbox + ":" + token, std::move(request), config_.access_ttl,
                            config_.refusal_ttl);
  co_return valid;
}

Task<Result<bool>> Directory::is_public(const CallContext& ctx, const std::string& sandbox) {
  ClientRequest request;
  request.target = "/api/preview/" + percent_encode(sandbox) + "/public";
  auto open = co_await ask(ctx, "p:" + sandbox, std::move(request), config_.public_ttl, config_.public_ttl);
  co_return open;
}

Task<Result<std::string>> Directory::sandbox_of_signed_token(const CallContext& ctx, const std::string& token,
                                                             int port) {
  ClientRequest request;
  request.target = "/api/preview/" + percent_encode(token) + "/" + std::to_string(port) + "/sandbox-id";
  auto reply = co_await call(ctx, std::move(request));
  if (!reply) co_return fail(Code::unavailable, "the API does not answer: " + reply.error().message);
  if (away(reply->status))
    co_return fail(Code::unavailable, "the API answered " + std::to_string(reply->status));
  if (reply->status >= 300) co_return fail(Code::not_found, "Invalid or expired token");
  co_return std::move(reply->body);
}

Task<Result<std::optional<Secret>>> Directory::signing_key(const CallContext& ctx,
                                                           const std::string& sandbox) {
  ClientRequest request;
  request.target = "/api/preview/" + percent_encode(sandbox) + "/signing-key";
  auto reply = co_await call(ctx, std::move(request));
  if (!reply) co_return fail(Code::unavailable, "the API does not answer: " + reply.error().message);
  if (away(reply->status))
    co_return fail(Code::unavailable, "the API answered " + std::to_string(reply->status));
  if (reply->status >= 300) co_return std::nullopt;
  co_return Secret(std::move(reply->body));
}

Task<Status> Directory::touch(const CallContext& ctx, const std::string& sandbox) {
  ClientRequest request;
  request.method = "POST";
  request.target = "/api/sandbox/" + percent_encode(sandbox) + "/last-activity";
  auto reply = co_await call(ctx, std::move(request));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return Status{};
}

}  // namespace dt::proxy
