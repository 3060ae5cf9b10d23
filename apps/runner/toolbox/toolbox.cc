#include "apps/runner/toolbox/toolbox.h"

#include "libs/base/clock.h"
#include "libs/codec/codec.h"

namespace dt::runner {
namespace {

constexpr std::string_view kKeyHeader = "X-Daytona-Authorization";

struct ErrorBody {
  int64_t statusCode;
  std::string message, code, timestamp, path, method;
  std::string source = "DAYTONA_PROXY";
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (statusCode, message, code, timestamp, path, method, source))

Response error_response(const Request& request, const Error& error) {
  int status = http_status(error.code);
  ErrorBody body{
      status,       error.message, std::string(wire_name(error.code)), iso8601(system_clock().wall()),
      request.path, request.method};
  return Response::json(status, encode(body));
}

std::string_view bearer(std::string_view value) {
  return istarts_with(value, "Bearer ") ? trim(value.substr(7)) : std::string_view();
}

}  // namespace

ToolboxServer::ToolboxServer(Sandboxes& sandboxes, Secret runner_key)
    : sandboxes_(sandboxes),
      key_(std::move(runner_key)),
      router_({{"GET", "/health",
                [](Request&) -> Task<Response> { co_return Response::json(200, R"({"status":"ok"})"); }},
               {"*", "/sandboxes/{id}/toolbox/{path...}", [this](Request& r) { return to_daemon(r); }}}) {}

bool ToolboxServer::authorized(const Request& request) const {
  return key_.equals(bearer(request.headers.get_or(kKeyHeader))) ||
         key_.equals(bearer(request.headers.get_or("Authorization")));
}

Task<Response> ToolboxServer::handle(Request& request) {
  auto match = router_.match(request);
  if (!match) co_return error_response(request, match.error());
  if (!match->route) co_return error_response(request, Error{Code::not_found, "not found: not found"});
  Response response = co_await match->route->handler(request);
  co_return response;
}

Task<Response> ToolboxServer::to_daemon(Request& request) {
  if (!authorized(request))
    co_return error_response(request,
                             Error{Code::unauthorized, "unauthorized: the runner's key is required"});
  std::string id(request.param("id"));
  auto socket = sandboxes_.toolbox_socket(SandboxId(id));
  if (!socket)
    co_return error_response(request, Error{Code::not_found, "not found: " + socket.error().message});

  // The path goes on as it came, with its percent-encoding.
  size_t cut = request.target.find("/toolbox");
  std::string rest = request.target.substr(cut + std::string_view("/toolbox").size());
  ForwardOptions options;
  options.target = rest.empty() || rest[0] != '/' ? "/" + rest : rest;
  options.edit_request = [](Headers& h) {
    h.remove(kKeyHeader);
    h.set("Host", "localhost:2280");
  };
  auto response = co_await forward(client_, request, Endpoint{.host = {}, .port = 0, .unix_path = *socket},
                                   std::move(options));
  if (response) co_return std::move(*response);
  if (sandboxes_.state(SandboxId(id)) != SandboxState::started)
    co_return error_response(
        request,
        Error{Code::bad_request,
              "bad request: failed to reach the sandbox: no IP address found. Is the Sandbox started?"});
  co_return error_response(
      request, Error{Code::bad_gateway, "the sandbox's daemon does not answer: " + response.error().message});
}

}  // namespace dt::runner
