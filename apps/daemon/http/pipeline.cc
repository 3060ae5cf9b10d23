#include "apps/daemon/http/pipeline.h"

#include "apps/daemon/http/errors.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

// Successful requests are logged at debug level only: the log shares the sandbox's disk.
log::Level level_of(int status) {
  if (status >= 500) return log::Level::error;
  return status >= 400 ? log::Level::warn : log::Level::debug;
}

void log_access(const Request& request, const Response& response, Mono start) {
  // What programs in the sandbox answer is not our error.
  log::Level level = request.path.starts_with(kPortsPrefix) ? log::Level::debug : level_of(response.status);
  if (!log::enabled(level)) return;
  auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  log::write(level, "request",
             {{"method", request.method},
              {"path", request.path},
              {"status", response.status},
              {"us", took.count()},
              {"request", request.ctx.request_id}});
}

}  // namespace

Task<Response> Pipeline::route(Request& request) {
  // The router would decode the path and refuse what a program in the sandbox may well understand.
  if (request.path.starts_with(kPortsPrefix)) co_return co_await ports_(request);
  // The router would answer HEAD with GET's route; the toolbox routes neither HEAD nor OPTIONS.
  if (request.method == "HEAD" || request.method == "OPTIONS") co_return not_routed();
  auto match = router_.match(request);
  if (!match || !match->route) co_return not_routed();
  co_return co_await match->route->handler(request);
}

Task<Response> Pipeline::handle(Request& request) {
  Mono start = std::chrono::steady_clock::now();
  Response response;
  try {
    response = co_await route(request);
  } catch (const std::exception& bug) {
    log::error("handler failed", {{"path", request.path}, {"error", bug.what()}});
    response = error_response(request, Error{Code::internal, "unexpected failure"});
  }
  bool identified = request.headers.get("X-Request-Id") || response.headers.get("X-Request-Id");
  if (!identified) response.headers.set("X-Request-Id", uuid_v4());
  log_access(request, response, start);
  co_return response;
}

}  // namespace dt::daemon
