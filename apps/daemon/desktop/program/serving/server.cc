#include "apps/daemon/desktop/program/serving/server.h"

#include "apps/daemon/desktop/handover.h"
#include "apps/daemon/http/errors.h"
#include "libs/base/log.h"
#include "libs/net/http_server.h"

namespace dt::desktop {
namespace {

constexpr Millis kDrain{30'000};

class Server {
 public:
  explicit Server(std::vector<Route> routes)
      : router_(std::move(routes)), http_([this](Request& r) { return handle(r); }, limits()) {}

  Task<void> run(Fd control) {
    Watch watch(control.get());
    for (;;) {
      auto connection = daemon::take_over(control.get());
      if (!connection) break;
      if (*connection)
        http_.adopt(Stream(std::move(*connection)));
      else
        co_await watch.readable();
    }
    co_await http_.drain(after(kDrain));
  }

 private:
  // The daemon has limits of its own and is the only client.
  static HttpLimits limits() {
    HttpLimits out;
    out.idle_timeout = Millis(24LL * 3600 * 1000);
    out.body_idle_timeout = Millis(600'000);
    return out;
  }

  Task<Response> handle(Request& request) {
    Response response;
    try {
      auto match = router_.match(request);
      if (!match || !match->route) co_return daemon::not_routed();
      response = co_await match->route->handler(request);
    } catch (const std::exception& bug) {
      log::error("handler failed", {{"path", request.path}, {"error", bug.what()}});
      response = daemon::error_response(request, Error{Code::internal, "unexpected failure"});
    }
    co_return response;
  }

  Router router_;
  HttpServer http_;
};

}  // namespace

Task<void> serve(Fd control, std::vector<Route> routes) {
  Server server(std::move(routes));
  co_await server.run(std::move(control));
}

}  // namespace dt::desktop
