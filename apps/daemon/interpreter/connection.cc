#include "apps/daemon/interpreter/connection.h"

#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"
#include "libs/net/websocket.h"

namespace dt::daemon::interpreter {
namespace bj = boost::json;
namespace {

// A client whose connection takes no byte for so long is given up.
constexpr Millis kStalled{30'000};
constexpr std::chrono::seconds kLongest{10L * 365 * 24 * 3600};

std::unexpected<Error> not_valid() { return fail(Code::invalid_body, "invalid JSON payload"); }

// Names match in any case; null is the same as absent.
const bj::value* find(const bj::object& object, std::string_view name) {
  const bj::value* found = nullptr;
  for (const auto& item : object)
    if (iequals(std::string_view(item.key().data(), item.key().size()), name)) found = &item.value();
  return found && !found->is_null() ? found : nullptr;
}

std::string plain(const bj::value& value) {
  const bj::string& s = value.get_string();
  return std::string(s.data(), s.size());
}

Result<std::optional<std::string>> text_of(const bj::object& object, std::string_view name) {
  const bj::value* value = find(object, name);
  if (!value) return std::nullopt;
  if (!value->is_string()) return not_valid();
  return plain(*value);
}

Result<std::map<std::string, std::string>> envs_of(const bj::object& object) {
  std::map<std::string, std::string> out;
  const bj::value* value = find(object, "envs");
  if (!value) return out;
  if (!value->is_object()) return not_valid();
  for (const auto& item : value->get_object()) {
    if (!item.value().is_string() && !item.value().is_null()) return not_valid();
    out[std::string(item.key().data(), item.key().size())] =
        item.value().is_null() ? "" : plain(item.value());
  }
  return out;
}

Result<std::chrono::seconds> timeout_of(const bj::object& object) {
  const bj::value* value = find(object, "timeout");
  if (!value) return RunRequest().timeout;
  if (value->is_uint64()) return kLongest;
  if (!value->is_int64()) return not_valid();
  return std::min(std::chrono::seconds(value->get_int64()), kLongest);
}

// The version of the SDK, which browsers can only say this way.
std::string protocol_of(const Request& request) {
  for (std::string_view offered : split(request.headers.get_or("Sec-WebSocket-Protocol"), ','))
    if (trim(offered).starts_with("X-Daytona-SDK-Version~")) return std::string(trim(offered));
  return {};
}

// Pings are answered and a client that goes is noticed while its run waits or works.
Task<void> listen(WebSocket& socket, std::shared_ptr<Run> run) {
  for (;;) {
    auto message = co_await socket.receive();
    if (message && message->kind != WebSocket::Kind::close) continue;  // nothing is expected any more
    run->client_gone();
    co_return;
  }
}

Task<void> deliver(WebSocket& socket, std::shared_ptr<Run> run) {
  while (!run->gone()) {
    while (auto frame = run->next()) {
      auto sent = co_await socket.send_text(*frame);
      if (!sent) run->client_gone();
    }
    if (run->gone()) co_return;
    if (const auto& close = run->close_frame()) {
      co_await socket.close(close->code, close->reason);
      co_return;
    }
    co_await run->changed();
  }
}

Task<void> session(Contexts& contexts, WebSocket& socket) {
  auto first = co_await socket.receive();
  if (!first || first->kind == WebSocket::Kind::close) {
    co_await socket.close(1002, "failed to read first message");
    co_return;
  }
  auto request = parse_run_request(first->data);
  first = Result<WebSocket::Message>();
  if (!request) {
    int code = request.error().code == Code::invalid_body ? 1002 : 1008;
    co_await socket.close(code, request.error().message);
    co_return;
  }
  auto run = std::make_shared<Run>(std::move(*request));
  if (auto refused = contexts.submit(run)) run->end(std::move(*refused));
  TaskScope listening("interpreter client");
  listening.spawn(listen(socket, run));
  co_await deliver(socket, run);
  listening.stop_now();
}

}  // namespace

Result<RunRequest> parse_run_request(std::string_view text) {
  auto value = json::parse(text);
  if (!value || !value->is_object()) return not_valid();
  const bj::object& object = value->get_object();
  RunRequest request;
  TRY(auto code, text_of(object, "code"));
  TRY(request.context, text_of(object, "contextId"));
  TRY(request.envs, envs_of(object));
  TRY(request.timeout, timeout_of(object));
  request.code = code.value_or("");
  if (request.code.empty()) return fail(Code::bad_request, "code is required");
  if (request.timeout.count() < 0)
    return fail(Code::bad_request, "timeout must be greater than or equal to 0");
  return request;
}

Task<Response> execute(Contexts& contexts, Request& request) {
  auto response = websocket_response(request, protocol_of(request),
                                     [&contexts](WebSocket& socket) { return session(contexts, socket); });
  if (!response) {
    Response refused = Response::text(400, response.error().message);
    refused.headers.set("Sec-WebSocket-Version", "13");
    co_return refused;
  }
  response->upgrade = [inner = std::move(response->upgrade)](Stream& stream, std::string buffered) mutable {
    stream.set_write_idle(kStalled);
    return inner(stream, std::move(buffered));
  };
  co_return std::move(*response);
}

}  // namespace dt::daemon::interpreter
