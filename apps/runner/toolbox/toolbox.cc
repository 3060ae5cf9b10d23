#include "apps/runner/toolbox/toolbox.h"

#include "libs/base/clock.h"
#include "libs/base/log.h"
#include "libs/codec/codec.h"
#include "libs/contract/handover.h"
#include "libs/contract/runner.h"
#include "libs/linux/socket.h"

namespace dt::runner {
namespace {

constexpr std::string_view kKeyHeader = "X-Daytona-Authorization";
constexpr Millis kConnectLimit{5'000};

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

// Gives `connection` away through `to`, once the other side has said that it waits for a descriptor: one that
// comes with the answer's header would be lost in an ordinary read.
Task<void> send_connection(Stream connection, Stream& to, std::string said) {
  char byte;
  if (said.empty()) {
    auto got = co_await to.read_some({&byte, 1}, after(kConnectLimit));
    if (!got || *got == 0) co_return;
  }
  const int fds[] = {connection.fd()};
  Status sent = linux_::send_message(to.fd(), contract::kHandoverMessage, fds);
  if (!sent) log::warn("cannot hand a connection over", {{"error", sent.error().message}});
  co_return;
}

// Whoever asks may have the wrong runner.
Response not_here(const Request& request, Code code, std::string message) {
  Response response = error_response(request, Error{code, std::move(message)});
  response.headers.set(contract::kRunnerAnswerHeader, "1");
  return response;
}

// "/sandboxes/{id}/toolbox/{rest}". No router: it would decode the rest and judge what a program in the
// sandbox may well understand.
std::optional<ToolboxTarget> toolbox_target(std::string_view target) {
  constexpr std::string_view kSandboxes = "/sandboxes/", kToolbox = "/toolbox";
  if (!target.starts_with(kSandboxes)) return std::nullopt;
  target.remove_prefix(kSandboxes.size());
  size_t slash = target.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(slash);
  if (!rest.starts_with(kToolbox)) return std::nullopt;
  rest.remove_prefix(kToolbox.size());
  bool bare = rest.empty() || rest[0] == '?';
  if (!bare && rest[0] != '/') return std::nullopt;
  return ToolboxTarget{std::string(target.substr(0, slash)), (bare ? "/" : "") + std::string(rest)};
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
               {"GET", "/sandboxes/{id}/connection", [this](Request& r) { return hand_over(r); }}}) {}

bool ToolboxServer::authorized(const Request& request) const {
  return key_.equals(bearer(request.headers.get_or(kKeyHeader))) ||
         key_.equals(bearer(request.headers.get_or("Authorization")));
}

Task<Response> ToolboxServer::handle(Request& request) {
  if (auto target = toolbox_target(request.target)) {
    Response response = co_await to_daemon(request, std::move(*target));
    co_return response;
  }
  auto match = router_.match(request);
  if (!match) co_return error_response(request, match.error());
  if (!match->route) co_return error_response(request, Error{Code::not_found, "not found: not found"});
  Response response = co_await match->route->handler(request);
  co_return response;
}

Task<Response> ToolboxServer::to_daemon(Request& request, ToolboxTarget target) {
  if (!authorized(request))
    co_return not_here(request, Code::unauthorized, "unauthorized: the runner's key is required");
  std::string id = std::move(target.id);
  auto socket = sandboxes_.toolbox_socket(SandboxId(id));
  if (!socket) co_return not_here(request, Code::not_found, "not found: " + socket.error().message);

  ForwardOptions options;
  options.target = std::move(target.rest);
  options.edit_request = [this](Headers& h) {
    h.remove(kKeyHeader);
    if (key_.equals(bearer(h.get_or("Authorization")))) h.remove("Authorization");
    h.set("Host", "localhost:2280");
  };
  auto response = co_await forward(client_, request, Endpoint{.host = {}, .port = 0, .unix_path = *socket},
                                   std::move(options));
  if (response) co_return std::move(*response);
  bool of_client = response.error().code == Code::timeout || response.error().code == Code::bad_request;
  if (of_client) co_return error_response(request, response.error());
  if (sandboxes_.state(SandboxId(id)) != SandboxState::started)
    co_return error_response(
        request,
        Error{Code::bad_request,
              "bad request: failed to reach the sandbox: no IP address found. Is the Sandbox started?"});
  co_return error_response(
      request, Error{Code::bad_gateway, "the sandbox's daemon does not answer: " + response.error().message});
}

Task<Response> ToolboxServer::hand_over(Request& request) {
  if (!authorized(request))
    co_return error_response(request,
                             Error{Code::unauthorized, "unauthorized: the runner's key is required"});
  bool local = request.peer == "unix" && iequals(request.headers.get_or("Upgrade"), contract::kHandover);
  if (!local) co_return error_response(request, Error{Code::not_found, "not found: not found"});
  auto socket = sandboxes_.toolbox_socket(SandboxId(std::string(request.param("id"))));
  if (!socket) co_return error_response(request, socket.error());
  Endpoint daemon{.host = {}, .port = 0, .unix_path = std::move(*socket)};
  auto connection = co_await connect(std::move(daemon), after(kConnectLimit));
  if (!connection) co_return error_response(request, connection.error());
  Response response = Response::empty(101);
  response.headers.set("Connection", "Upgrade");
  response.headers.set("Upgrade", std::string(contract::kHandover));
  response.upgrade = [stream = std::move(*connection)](Stream& to, std::string said) mutable {
    return send_connection(std::move(stream), to, std::move(said));
  };
  co_return response;
}

}  // namespace dt::runner
