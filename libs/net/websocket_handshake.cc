// Opening handshakes of both roles.
#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/net/sha1.h"
#include "libs/net/websocket.h"

namespace dt {
namespace {

constexpr Millis kCloseWait{1'000};

std::string accept_key(std::string_view key) {
  return base64_encode(detail::sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

Task<void> run_session(std::function<Task<void>(WebSocket&)> session, Stream& stream, std::string buffered,
                       size_t max_message) {
  WebSocket socket(stream, std::move(buffered), WebSocket::Role::server, max_message);
  co_await session(socket);
  auto closed = co_await socket.close(1000);
  if (!closed) co_return;
  // Reads what the client still sends, up to its close: ending with unread bytes would reset the connection.
  Mono deadline = after(kCloseWait);
  for (bool more = true; more;) {
    auto rest = co_await socket.receive(deadline);
    more = rest && rest->kind != WebSocket::Kind::close;
  }
}

Status check_handshake(const Request& request) {
  const Headers& h = request.headers;
  bool asked =
      request.method == "GET" && h.has_token("Connection", "upgrade") && h.has_token("Upgrade", "websocket");
  if (!asked) return fail(Code::bad_request, "this address speaks WebSocket: send an upgrade request");
  if (h.get_or("Sec-WebSocket-Version") != "13")
    return fail(Code::bad_request, "only WebSocket version 13 is spoken here");
  auto key = base64_decode(h.get_or("Sec-WebSocket-Key"));
  if (h.count("Sec-WebSocket-Key") != 1 || !key || key->size() != 16)
    return fail(Code::bad_request, "Sec-WebSocket-Key must be 16 bytes in base64");
  return {};
}

}  // namespace

Result<Response> websocket_response(const Request& request, std::string_view protocol,
                                    std::function<Task<void>(WebSocket&)> session, size_t max_message) {
  TRY_VOID(check_handshake(request));
  Response out{.status = 101};
  out.headers.set("Connection", "Upgrade");
  out.headers.set("Upgrade", "websocket");
  out.headers.set("Sec-WebSocket-Accept", accept_key(request.headers.get_or("Sec-WebSocket-Key")));
  if (!protocol.empty()) out.headers.set("Sec-WebSocket-Protocol", std::string(protocol));
  out.upgrade = [session = std::move(session), max_message](Stream& stream, std::string buffered) {
    return run_session(session, stream, std::move(buffered), max_message);
  };
  return out;
}

std::string choose_protocol(const Request& request, std::initializer_list<std::string_view> supported) {
  for (std::string_view protocol : supported)
    if (request.headers.has_token("Sec-WebSocket-Protocol", protocol)) return std::string(protocol);
  return {};
}

Task<Result<ClientResponse>> websocket_connect(HttpClient& client, const CallContext& ctx, const Endpoint& to,
                                               ClientRequest request) {
  std::string key = base64_encode(random_bytes(16));
  request.headers.set("Connection", "Upgrade");
  request.headers.set("Upgrade", "websocket");
  request.headers.set("Sec-WebSocket-Version", "13");
  request.headers.set("Sec-WebSocket-Key", key);
  auto response = co_await client.send(ctx, to, std::move(request));
  if (!response) co_return response;
  if (response->status != 101) {
    Code code = response->status >= 400 ? code_from_status(response->status) : Code::bad_gateway;
    co_return fail(code, "the WebSocket was refused with status " + std::to_string(response->status));
  }
  bool accepted = response->headers.has_token("Upgrade", "websocket") &&
                  response->headers.get_or("Sec-WebSocket-Accept") == accept_key(key);
  if (!accepted) co_return fail(Code::bad_gateway, "the WebSocket handshake was answered wrongly");
  co_return std::move(*response);
}

}  // namespace dt
