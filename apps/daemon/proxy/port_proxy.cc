#include "apps/daemon/proxy/port_proxy.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/proxy/port_path.h"

namespace dt::daemon {
namespace {

HttpClient::Options client_options() {
  return {.idle_per_endpoint = 16, .idle_timeout = Millis(30'000), .connect_timeout = Millis(30'000)};
}

// The path below the port with the query, if there was one.
std::string target_below(const Request& request, const PortPath& to) {
  return std::string(to.rest) + request.target.substr(request.path.size());
}

Error target_error(uint16_t port, Error e) {
  std::string where = "port " + std::to_string(port);
  switch (e.code) {
    case Code::unavailable:
      return {Code::bad_gateway, "nothing listens on " + where + " in the sandbox"};
    case Code::gateway_timeout:
      return {Code::bad_gateway, "what listens on " + where + " in the sandbox takes no connections"};
    case Code::bad_gateway:
      return {Code::bad_gateway, "what listens on " + where + " in the sandbox did not answer: " + e.message};
    default:
      return e;  // of the client
  }
}

}  // namespace

PortProxy::PortProxy() : client_(client_options()) {}

void PortProxy::serve_in_process(uint16_t port, Handler handler) { in_process_[port] = std::move(handler); }

Task<Response> PortProxy::handle(Request& request) {
  auto to = parse_port_path(request.path);
  // The toolbox below itself, however often.
  while (to && to->port == kToolboxPort && is_port_path(to->rest)) to = parse_port_path(to->rest);
  if (!to) co_return error_response(request, to.error());
  auto own = in_process_.find(to->port);
  if (own != in_process_.end()) {
    request.target = target_below(request, *to);
    request.path = std::string(to->rest);
    co_return co_await own->second(request);
  }
  uint16_t port = to->port;
  Endpoint endpoint{.host = "localhost", .port = port, .unix_path = {}};
  ForwardOptions options;
  options.target = target_below(request, *to);
  options.edit_request = [host = endpoint.str()](Headers& headers) {
    headers.set("Host", host);
    headers.remove("X-Daytona-Authorization");  // never seen here; a second wall
  };
  auto response = co_await forward(client_, request, std::move(endpoint), std::move(options));
  if (!response) co_return error_response(request, target_error(port, std::move(response).error()));
  co_return std::move(*response);
}

}  // namespace dt::daemon
