#include "apps/proxy/proxy.h"

#include "apps/proxy/access.h"
#include "apps/proxy/activity.h"
#include "apps/proxy/cors.h"
#include "apps/proxy/directory.h"
#include "apps/proxy/handover.h"
#include "apps/proxy/target.h"
#include "libs/base/log.h"
#include "libs/codec/codec.h"
#include "libs/contract/runner.h"
#include "libs/net/http_server.h"

namespace dt::proxy {
namespace {

using namespace std::chrono_literals;

struct ErrorBody {
  int64_t statusCode;
  std::string message, code, timestamp, path, method, error;
  std::string source = "DAYTONA_PROXY";
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (statusCode, message, code, timestamp, path, method, error, source))

Response error_response(const Request& request, const Error& error) {
  int status = http_status(error.code);
  ErrorBody body{
      status,       error.message,  std::string(wire_name(error.code)), iso8601(system_clock().wall()),
      request.path, request.method, std::string(reason_phrase(status))};
  return Response::json(status, encode(body));
}

class Proxy {
 public:
  explicit Proxy(const ProxyConfig& config)
      : config_(config),
        directory_(config),
        handover_(config.local_runner_socket, config.local_runner_key),
        activity_(config, directory_) {}

  Task<Response> handle(Request& request) {
    Cors cors = cors_of(request);
    if (cors.preflight) co_return std::move(*cors.preflight);
    Response response = co_await answer(request);
    cors.apply(response);
    if (config_.log_requests)
      log::info("request", {{"method", request.method},
                            {"path", request.path},
                            {"status", response.status},
                            {"request", request.ctx.request_id}});
    co_return response;
  }
  Activity& activity() { return activity_; }

 private:
  Task<Response> answer(Request& request) {
    auto target = target_of(request.headers.get_or("Host"), request.path);
    if (!target) {
      if (request.method == "GET" && request.path == "/health")
        co_return Response::json(200, R"({"status":"ok","version":"v)" DT_VERSION "\"}");
      co_return error_response(request, Error{Code::not_found, "not found: not found"});
    }
    auto access = co_await authorize(config_, directory_, request, *target);
    if (!access) co_return error_response(request, access.error());
    Response response = co_await to_runner(request, *target, *access);
    if (!access->set_cookie.empty()) response.headers.add("Set-Cookie", access->set_cookie);
    co_return response;
  }

  Task<Response> to_runner(Request& request, const Target& target, const Access& access) {
    auto runner = co_await directory_.runner_of(request.ctx, access.sandbox);
    if (!runner)
      co_return error_response(request,
                               runner.error().code == Code::bad_request
                                   ? Error{Code::bad_request, "bad request: " + runner.error().message}
                                   : runner.error());
    bool counts = !iequals(request.headers.get_or("X-Daytona-Skip-Last-Activity-Update"), "true");
    auto in_use = counts ? activity_.begin(access.sandbox) : Activity::Use();
    bool direct = co_await handover_.reach(request.ctx, *runner, access.sandbox);
    HttpClient& via = direct ? handover_.client() : runners_;
    Endpoint to = direct ? Handover::daemon_of(access.sandbox) : runner->endpoint;
    ForwardOptions options = direct ? options_for_daemon(request, target, access)
                                    : options_for_runner(request, target, access, runner->key);
    auto response = co_await forward(via, request, std::move(to), std::move(options));
    if (!response) {
      Error error = std::move(response).error();
      bool of_client = error.code == Code::timeout || error.code == Code::bad_request;
      if (of_client) co_return error_response(request, error);
      directory_.forget_runner(access.sandbox);
      co_return error_response(
          request, Error{Code::bad_gateway, "the sandbox's runner does not answer: " + error.message});
    }
    // Whatever the sandbox itself answers shows that the route was right.
    if (response->headers.get(contract::kRunnerAnswerHeader)) {
      directory_.forget_runner(access.sandbox);
      response->headers.remove(contract::kRunnerAnswerHeader);
    }
    auto location = response->headers.get("Location");
    if (location && response->status / 100 == 3)
      response->headers.set("Location", redirected(target, *location));
    keep_in_use(*response, std::move(in_use));
    co_return std::move(*response);
  }

  static ForwardOptions options_for_daemon(const Request& request, const Target& target,
                                           const Access& access) {
    ForwardOptions options;
    options.target = target.runner_path + query_to_pass(request, access);
    options.edit_request = [&access](Headers& h) {
      remove_credentials(h, access);
      h.remove("X-Daytona-Authorization");
      h.set("Host", "localhost:2280");
    };
    return options;
  }

  static ForwardOptions options_for_runner(const Request& request, const Target& target, const Access& access,
                                           const std::string& runner_key) {
    ForwardOptions options;
    options.target =
        "/sandboxes/" + access.sandbox + "/toolbox" + target.runner_path + query_to_pass(request, access);
    options.edit_request = [&access, key = "Bearer " + runner_key](Headers& h) {
      remove_credentials(h, access);
      h.set("X-Daytona-Authorization", key);  // replaces whatever the client sent under this name
    };
    return options;
  }

  // The sandbox counts as used until the last byte of the answer, however long it streams.
  static void keep_in_use(Response& response, Activity::Use use) {
    auto shared = std::make_shared<Activity::Use>(std::move(use));
    if (response.stream)
      response.stream = [inner = std::move(response.stream), shared](BodyWriter& w) mutable {
        return inner(w);
      };
    if (response.upgrade)
      response.upgrade = [inner = std::move(response.upgrade), shared](Stream& s, std::string b) mutable {
        return inner(s, std::move(b));
      };
  }

  const ProxyConfig& config_;
  Directory directory_;
  HttpClient runners_;
  Handover handover_;
  Activity activity_;
};

}  // namespace

Task<Status> run(ProxyConfig config, CancelSource cancel) {
  CO_TRY(Listener listener, Listener::bind(config.listen));
  Proxy proxy(config);
  HttpServer server([&proxy](Request& r) { return proxy.handle(r); }, config.http);
  TaskScope scope("proxy");
  Event stop;
  size_t id = cancel.on_cancel([&stop] { stop.set(); });
  scope.spawn(server.serve(listener));
  scope.spawn(proxy.activity().run());
  log::info("proxy is up", {{"port", listener.port()}});
  co_await stop.wait();
  cancel.remove(id);
  co_await server.drain(after(5s));
  proxy.activity().stop();
  co_await scope.join();
  co_return Status{};
}

}  // namespace dt::proxy
