#include "apps/proxy/access.h"

#include "apps/proxy/cookie.h"
#include "apps/proxy/signed_file.h"
#include "libs/base/text.h"

namespace dt::proxy {
namespace {

constexpr std::string_view kTokenHeader = "X-Daytona-Preview-Token";
constexpr std::string_view kQueryKey = "DAYTONA_SANDBOX_AUTH_KEY";
constexpr std::string_view kApiKey = "Bearer dtn_";
constexpr std::string_view kMissing =
    "missing authentication: provide a preview access token (via header, query parameter, or cookie) or use "
    "an API key or JWT";

// One request on its way through the methods; each adds to `reasons` when it fails.
struct Attempt {
  const ProxyConfig& config;
  Directory& directory;
  const Request& request;
  const Target& target;
  Access access;
  std::vector<std::string> reasons;
  bool unseen = false;  // a good key, but no such sandbox for it: 404, whether it exists elsewhere or not
};

std::string bearer_of(const Request& request) {
  std::string value(request.headers.get_or("Authorization"));
  return istarts_with(value, "Bearer ") ? value : std::string();
}

// An API that is away is an error, not a wrong credential: each method fails with it.
using Passed = Result<bool>;

Task<Passed> by_public_flag(Attempt& a) {
  // An always private port, or a token, which is never the id of a sandbox.
  if (!a.target.preview || always_private(a.target.port) || a.target.signed_token()) co_return false;
  auto open = co_await a.directory.is_public(a.request.ctx, a.target.sandbox);
  if (!open)
    co_return fail(Code::unavailable, "failed to get sandbox public status: " + open.error().message);
  if (!*open) co_return false;
  // What is public gets its callers' own headers, but not a key of ours that somebody sends to be safe.
  std::string bearer = bearer_of(a.request);
  if (istarts_with(bearer, kApiKey)) {
    auto ours = co_await a.directory.bearer_access(a.request.ctx, a.target.sandbox, bearer, a.request.peer);
    a.access.drop_authorization = !ours || *ours != Directory::Bearer::invalid;
  }
  co_return true;
}

Task<Passed> by_bearer(Attempt& a) {
  std::string bearer = bearer_of(a.request);
  if (bearer.empty()) co_return false;
  auto answer = co_await a.directory.bearer_access(a.request.ctx, a.target.sandbox, bearer, a.request.peer);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  a.access.drop_authorization = *answer != Directory::Bearer::invalid;
  a.unseen = *answer == Directory::Bearer::no_access;
  if (*answer == Directory::Bearer::granted) co_return true;
  a.reasons.emplace_back("Bearer token is invalid");
  co_return false;
}

Task<Passed> by_token(Attempt& a, std::optional<std::string_view> token, const char* reason) {
  if (!token || token->empty()) co_return false;
  auto valid = co_await a.directory.preview_token_valid(a.request.ctx, a.target.sandbox, std::string(*token));
  if (!valid) co_return std::unexpected(std::move(valid).error());
  if (!*valid) a.reasons.emplace_back(reason);
  co_return *valid;
}

bool by_cookie(Attempt& a) {
  if (!a.target.preview) return false;
  CookieScope scope{a.target.sandbox, a.target.port};
  auto sandbox = sandbox_of_cookie(a.config.api_key, scope, a.request.headers, system_clock().wall());
  if (!sandbox) return false;
  a.access.sandbox = std::move(*sandbox);
  return true;
}

Task<Passed> by_signed_token(Attempt& a) {
  if (!a.target.preview || !a.target.signed_token()) co_return false;
  auto sandbox = co_await a.directory.sandbox_of_signed_token(a.request.ctx, a.target.sandbox, a.target.port);
  if (!sandbox && sandbox.error().code == Code::not_found) co_return false;
  if (!sandbox) co_return std::unexpected(std::move(sandbox).error());
  bool secure = a.config.secure_cookies || iequals(a.request.headers.get_or("X-Forwarded-Proto"), "https");
  a.access.set_cookie = issue_cookie(a.config.api_key, {a.target.sandbox, a.target.port}, *sandbox,
                                     system_clock().wall(), secure);
  a.access.sandbox = std::move(*sandbox);
  co_return true;
}

// The key is asked for every time: what was signed with an old one must fail as soon as it was replaced.
Task<Passed> by_signed_file(Attempt& a) {
  auto file = signed_file_of(a.request, a.target);
  if (!file) {
    if (a.request.query.has("signature")) a.reasons.emplace_back("Signed URL is invalid");
    co_return false;
  }
  if (expired(*file, system_clock().wall())) {
    a.reasons.emplace_back("Signed URL has expired");
    co_return false;
  }
  auto key = co_await a.directory.signing_key(a.request.ctx, a.target.sandbox);
  if (!key) co_return std::unexpected(std::move(key).error());
  if (!*key || !signed_with(*file, (*key)->reveal())) {
    a.reasons.emplace_back("Signed URL is invalid");
    co_return false;
  }
  a.access.drop_authorization = true;
  a.access.query = query_of(*file);
  co_return true;
}

Task<Passed> try_all(Attempt& a) {
  Passed passed = co_await by_public_flag(a);
  if (passed && !*passed) passed = co_await by_bearer(a);
  if (passed && !*passed)
    passed = co_await by_token(a, a.request.headers.get(kTokenHeader), "Auth key header is invalid");
  if (passed && !*passed)
    passed = co_await by_token(a, a.request.query.get(kQueryKey), "Auth key query parameter is invalid");
  if (passed && !*passed) passed = by_cookie(a);
  if (passed && !*passed) passed = co_await by_signed_file(a);
  if (passed && !*passed) passed = co_await by_signed_token(a);
  co_return passed;
}

Error refusal(const Attempt& a) {
  if (a.unseen)
    return {Code::not_found, "not found: Sandbox with ID or name " + a.target.sandbox + " not found"};
  std::string why =
      a.reasons.empty() ? std::string(kMissing) : "authentication failed: " + join(a.reasons, ",");
  return {Code::unauthorized, "unauthorized: " + why};
}

}  // namespace

Task<Result<Access>> authorize(const ProxyConfig& config, Directory& directory, const Request& request,
                               const Target& target) {
  Attempt attempt{.config = config, .directory = directory, .request = request, .target = target};
  attempt.access.sandbox = target.sandbox;
  Passed passed = co_await try_all(attempt);
  if (!passed) co_return std::unexpected(std::move(passed).error());
  if (!*passed) co_return std::unexpected(refusal(attempt));
  co_return std::move(attempt.access);
}

void remove_credentials(Headers& headers, const Access& access) {
  if (access.drop_authorization) headers.remove("Authorization");
  headers.remove(kTokenHeader);
  remove_own_cookies(headers);
}

std::string query_to_pass(const Request& request, const Access& access) {
  if (access.query) return *access.query;
  if (!request.query.has(kQueryKey)) return request.target.substr(request.path.size());
  std::string rest = without_parameter(request.raw_query, kQueryKey);
  return rest.empty() ? rest : "?" + rest;
}

}  // namespace dt::proxy
