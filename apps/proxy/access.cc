#include "apps/proxy/access.h"

#include "libs/base/text.h"

namespace dt::proxy {
namespace {

constexpr std::string_view kQueryKey = "DAYTONA_SANDBOX_AUTH_KEY";
constexpr std::string_view kMissing =
    "missing authentication: provide a preview access token (via header, query parameter, or cookie) or use "
    "an API key or JWT";

}  // namespace

Task<Result<Access>> authorize(Directory& directory, const Request& request, const Target& target) {
  Access access{target.sandbox, false, request.raw_query};
  std::vector<std::string> reasons;
  bool unseen = false;  // a good key, but no such sandbox for it: 404, whether it exists elsewhere or not

  if (target.preview && !always_private(target.port)) {
    auto open = co_await directory.is_public(request.ctx, target.sandbox);
    if (!open)
      co_return fail(Code::unavailable, "failed to get sandbox public status: " + open.error().message);
    if (*open) co_return access;
  }
  std::string authorization(request.headers.get_or("Authorization"));
  if (istarts_with(authorization, "Bearer ")) {
    auto bearer = co_await directory.bearer_access(request.ctx, target.sandbox, authorization, request.peer);
    // An API that is away is not a wrong key.
    if (!bearer) co_return std::unexpected(std::move(bearer.error()));
    if (*bearer == Directory::Bearer::granted) {
      access.drop_authorization = true;
      co_return access;
    }
    unseen = *bearer == Directory::Bearer::no_access;
    reasons.emplace_back("Bearer token is invalid");
  }
  std::string header(request.headers.get_or("X-Daytona-Preview-Token"));
  if (!header.empty()) {
    auto valid = co_await directory.preview_token_valid(request.ctx, target.sandbox, header);
    if (valid && *valid) co_return access;
    reasons.emplace_back("Auth key header is invalid");
  }
  if (auto token = request.query.get(kQueryKey)) {
    access.query = without_parameter(request.raw_query, kQueryKey);
    auto valid = co_await directory.preview_token_valid(request.ctx, target.sandbox, std::string(*token));
    if (valid && *valid) co_return access;
    reasons.emplace_back("Auth key query parameter is invalid");
  }
  if (target.preview) {
    auto sandbox = co_await directory.sandbox_of_signed_token(request.ctx, target.sandbox, target.port);
    if (sandbox) {
      access.sandbox = std::move(*sandbox);
      co_return access;
    }
  }
  if (unseen && !target.preview)
    co_return fail(Code::not_found, "not found: Sandbox with ID or name " + target.sandbox + " not found");
  co_return fail(Code::unauthorized,
                 "unauthorized: " + (reasons.empty() ? std::string(kMissing)
                                                     : "authentication failed: " + join(reasons, ",")));
}

}  // namespace dt::proxy
