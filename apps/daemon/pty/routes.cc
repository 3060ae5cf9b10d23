#include "apps/daemon/pty/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/process/routes.h"
#include "apps/daemon/pty/protocol.h"
#include "apps/daemon/pty/requests.h"
#include "libs/base/log.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kLargestInput = 64 * 1024;  // of one message; 1009 beyond

// PTY clients of the older generation read "error"; the other members are those of every error.
Response pty_error(const Request& request, const Error& error) {
  Error whole = error;
  if (whole.wire_code.empty()) whole.wire_code = wire_name(error.code);
  Response response = error_response(request, whole);
  std::string body = "{\"error\":";
  codec::write_string(body, error.message);
  response.body = body + "," + response.body.substr(1);
  return response;
}

Error start_error(const Error& why) {
  log::warn("a PTY shell does not start", {{"error", why.message}});
  return Error{Code::internal, "failed to start PTY session"};
}

std::string info(const PtyRecord& record) {
  const PtyOptions& options = record.session->options();
  std::string out = "{\"id\":";
  codec::write_string(out, record.id);
  out += ",\"cwd\":";
  codec::write_string(out, options.cwd);
  out += ",\"envs\":{";
  for (const auto& [name, value] : options.envs) {
    if (out.back() != '{') out += ",";
    codec::write_string(out, name);
    out += ":";
    codec::write_string(out, value);
  }
  out += "},\"cols\":" + std::to_string(options.size.cols) + ",\"rows\":" + std::to_string(options.size.rows);
  out += ",\"createdAt\":\"" + record.created_at + "\",\"active\":";
  out += record.session->active() ? "true" : "false";
  out += record.lazy_start ? ",\"lazyStart\":true}" : ",\"lazyStart\":false}";
  return out;
}

Task<Response> create(PtySessions& sessions, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return pty_error(request, text.error());
  auto wanted = decode_pty_create(*text);
  if (!wanted) co_return pty_error(request, wanted.error());
  auto record = sessions.create(std::move(*wanted));
  if (!record) co_return pty_error(request, record.error());
  std::string body = "{\"sessionId\":";
  codec::write_string(body, (*record)->id);
  if (!(*record)->lazy_start) {
    Status started = sessions.start(**record);
    if (!started) co_return pty_error(request, start_error(started.error()));
  }
  co_return json_response(201, body + "}");
}

Task<Response> list(PtySessions& sessions, Request& request) {
  std::string body = "{\"sessions\":[";
  for (const auto& [id, record] : sessions.all()) {
    if (body.back() != '[') body += ",";
    body += info(record);
  }
  co_return json_response(200, body + "]}");
}

Task<Response> get(PtySessions& sessions, Request& request) {
  const PtyRecord* record = sessions.find(request.param("id"));
  if (!record) co_return pty_error(request, Error{Code::not_found, "PTY session not found"});
  co_return json_response(200, info(*record));
}

Task<Response> remove(PtySessions& sessions, Request& request) {
  bool known = co_await sessions.remove(std::string(request.param("id")));
  if (!known) co_return pty_error(request, Error{Code::not_found, "PTY session not found"});
  co_return json_response(200, R"({"message":"PTY session deleted"})");
}

Task<Response> resize(PtySessions& sessions, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return pty_error(request, text.error());
  auto wanted = decode_pty_resize(*text);
  if (!wanted) co_return pty_error(request, wanted.error());
  std::string id(request.param("id"));
  const PtyRecord* record = sessions.find(id);
  if (!record) co_return pty_error(request, Error{Code::gone, "PTY session " + id + " not found"});
  if (!record->session->started())
    co_return pty_error(request, Error{Code::internal, "cannot resize inactive PTY session"});
  if (!record->session->active())
    co_return pty_error(request,
                        Error{Code::gone, "PTY session '" + id + "' has terminated and cannot be resized"});
  WindowSize size = record->session->options().size;
  if (wanted->cols) size.cols = static_cast<uint16_t>(*wanted->cols);
  if (wanted->rows) size.rows = static_cast<uint16_t>(*wanted->rows);
  Status resized = record->session->resize(size);
  if (!resized) co_return pty_error(request, resized.error());
  co_return json_response(200, info(*record));
}

Response upgrade(const Request& request, const PtyProtocols& protocols,
                 std::function<Task<void>(WebSocket&)> session) {
  auto response = websocket_response(request, protocols.chosen, std::move(session), kLargestInput);
  if (response) return std::move(*response);
  Response refused = Response::text(400, response.error().message);
  refused.headers.set("Content-Type", "text/plain");
  refused.headers.set("Sec-WebSocket-Version", "13");
  return refused;
}

Task<void> watch(std::shared_ptr<PtySession> session, bool exit_control, WebSocket& socket) {
  ToolboxProtocol protocol(exit_control);
  co_await PtySession::serve(session, socket, protocol);
}

// An unknown id is told on the open connection, where clients of all generations read why.
Task<void> connect_to(PtySessions& sessions, std::string id, bool exit_control, WebSocket& socket) {
  const PtyRecord* record = sessions.find(id);
  if (!record) {
    std::string why = "PTY session " + id + " not found";
    co_await refuse_connection(socket, why);
    co_return;
  }
  auto session = record->session;
  Status started = sessions.start(*record);
  if (!started) {
    std::string why = "failed to start PTY session: " + started.error().message;
    co_await refuse_connection(socket, why);
    co_return;
  }
  co_await watch(session, exit_control, socket);
}

Task<Response> connect(PtySessions& sessions, Request& request) {
  PtyProtocols protocols = read_pty_protocols(request);
  co_return upgrade(request, protocols,
                    [&sessions, id = std::string(request.param("id")), exit_control = protocols.exit_control](
                        WebSocket& socket) { return connect_to(sessions, id, exit_control, socket); });
}

Task<Response> create_connect(PtySessions& sessions, Request& request) {
  PtyProtocols protocols = read_pty_protocols(request);
  auto slot = std::make_shared<std::shared_ptr<PtySession>>();
  Response response =
      upgrade(request, protocols, [slot, exit_control = protocols.exit_control](WebSocket& socket) {
        return watch(*slot, exit_control, socket);
      });
  if (response.status != 101) co_return response;
  auto wanted = decode_pty_create_connect(request);
  if (!wanted) co_return pty_error(request, wanted.error());
  auto record = sessions.create(std::move(*wanted));
  if (!record) co_return pty_error(request, record.error());
  *slot = (*record)->session;
  Status started = sessions.start(**record);
  if (started) co_return response;
  co_await sessions.remove((*record)->id);
  co_return pty_error(request, start_error(started.error()));
}

}  // namespace

std::vector<Route> pty_routes(PtySessions& sessions) {
  return {
      {"POST", "/process/pty", [&sessions](Request& r) { return create(sessions, r); }},
      {"GET", "/process/pty", [&sessions](Request& r) { return list(sessions, r); }},
      {"GET", "/process/pty/create-connect", [&sessions](Request& r) { return create_connect(sessions, r); }},
      {"GET", "/process/pty/{id}", [&sessions](Request& r) { return get(sessions, r); }},
      {"DELETE", "/process/pty/{id}", [&sessions](Request& r) { return remove(sessions, r); }},
      {"POST", "/process/pty/{id}/resize", [&sessions](Request& r) { return resize(sessions, r); }},
      {"GET", "/process/pty/{id}/connect", [&sessions](Request& r) { return connect(sessions, r); }},
  };
}

}  // namespace dt::daemon
