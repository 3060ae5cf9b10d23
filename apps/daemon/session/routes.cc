#include "apps/daemon/session/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/process/routes.h"
#include "apps/daemon/session/follow.h"
#include "apps/daemon/session/log_reply.h"
#include "apps/daemon/session/sdk_version.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

std::string command_json(const SessionCommand& command) {
  std::string out = "{\"id\":";
  codec::write_string(out, command.id());
  out += ",\"command\":";
  codec::write_string(out, command.text());
  if (auto code = command.exit_code()) out += ",\"exitCode\":" + std::to_string(*code);
  return out + "}";
}

std::string session_json(const Session& session) {
  std::string out = "{\"sessionId\":";
  codec::write_string(out, session.id());
  out += ",\"commands\":[";
  for (const auto& command : session.commands()) {
    if (!out.ends_with('[')) out += ',';
    out += command_json(*command);
  }
  return out + "]}";
}

Task<Response> create(Sessions& sessions, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto body = JsonBody::parse(*text, "CreateSessionRequest");
  if (!body) co_return error_response(request, body.error());
  std::string id = body->required_text("sessionId");
  if (auto status = body->status(); !status) co_return error_response(request, status.error());
  auto created = sessions.create(id, starts_at_home(SdkVersion::of(request)));
  if (!created) {
    Error error = std::move(created).error();
    bool ours = error.code == Code::bad_request || error.code == Code::conflict;
    if (!ours) error.code = Code::internal;
    co_return error_response(request, error);
  }
  co_return Response::empty(201);
}

Task<Response> list(Sessions& sessions, Request&) {
  std::string out = "[";
  for (const auto& session : sessions.list()) {
    if (out.size() > 1) out += ',';
    out += session_json(*session);
  }
  co_return json_response(200, out + "]");
}

Task<Response> get(Sessions& sessions, std::string id, Request& request) {
  auto session = sessions.find(id);
  if (!session) co_return error_response(request, session.error());
  co_return json_response(200, session_json(**session));
}

Task<Response> remove(Sessions& sessions, Request& request) {
  auto removed = co_await sessions.remove(std::string(request.param("sessionId")), request.ctx);
  if (!removed) co_return error_response(request, removed.error());
  co_return Response::empty(204);
}

struct ExecRequest {
  SessionCommand::Spec spec;
  bool async = false;
};

Result<ExecRequest> decode_exec(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "SessionExecuteRequest"));
  ExecRequest out;
  out.spec.text = body.required_text("command");
  bool run_async = body.flag("runAsync").value_or(false);
  bool old_name = body.flag("async").value_or(false);
  bool quiet = body.flag("suppressInputEcho").value_or(false);
  TRY_VOID(body.status());
  if (trim(out.spec.text).empty())
    return fail(Code::bad_request, "command cannot be empty or whitespace-only");
  out.async = run_async || old_name;
  out.spec.has_input = out.async;
  out.spec.echo_input = out.async && !quiet;
  return out;
}

// Clients know these failures by the text before the colon.
Response exec_failed(const Request& request, const Error& error) {
  bool plain = error.wire_code.empty();
  std::string prefix = error.code == Code::not_found ? "not found: " : "";
  std::string code(plain ? wire_name(error.code) : std::string_view(error.wire_code));
  return error_response(
      request,
      Error{error.code, "failed to execute command: " + (plain ? prefix : "") + error.message, code});
}

Task<Response> finished(SessionCommand& command, LogForm form, Request& request) {
  if (command.state() == SessionCommand::State::cancelled)
    co_return exec_failed(request, Error{Code::gone, "gone: session cancelled", "SESSION_ENDED"});
  auto log = open_log(command.file("output.log"));
  if (!log) co_return exec_failed(request, log.error());
  co_return outcome_response(std::move(*log), form, {command.id(), command.exit_code().value_or(-1)});
}

Task<Response> exec(Sessions& sessions, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  std::string id(request.param("sessionId"));
  if (id == kEntrypointSession)
    co_return error_response(request,
                             Error{Code::bad_request, "can't execute command in entrypoint session"});
  auto wanted = decode_exec(*text);
  if (!wanted) co_return error_response(request, wanted.error());
  text->clear();
  auto session = sessions.find(id);
  if (!session) co_return exec_failed(request, session.error());
  auto command = (*session)->submit(std::move(wanted->spec));
  if (!command) co_return exec_failed(request, command.error());
  if (wanted->async) {
    co_return json_response(202, "{\"cmdId\":\"" + (*command)->id() +
                                     "\",\"output\":null,\"stdout\":null,\"stderr\":null,\"exitCode\":null}");
  }
  session->reset();
  co_await (*command)->wait();
  co_return co_await finished(**command, log_form(request, LogUse::command), request);
}

Task<Response> get_command(Sessions& sessions, Request& request) {
  auto command = sessions.find_command(request.param("sessionId"), request.param("commandId"));
  if (!command) co_return error_response(request, command.error());
  co_return json_response(200, command_json(**command));
}

Result<std::string> decode_input(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "SessionSendInputRequest"));
  std::string data = body.required_text("data");
  TRY_VOID(body.status());
  if (!data.ends_with('\n')) data += '\n';
  return data;
}

Task<Response> input(Sessions& sessions, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  if (request.param("sessionId") == kEntrypointSession)
    co_return error_response(request, Error{Code::bad_request, "can't send input to entrypoint session"});
  auto data = decode_input(*text);
  if (!data) co_return error_response(request, data.error());
  auto command = sessions.find_command(request.param("sessionId"), request.param("commandId"));
  if (!command) co_return error_response(request, command.error());
  auto written = co_await (*command)->write_input(std::move(*data));
  if (!written) co_return error_response(request, written.error());
  co_return Response::empty(204);
}

Response no_handshake(const Error& error) {
  Response response = Response::text(400, error.message);
  response.headers.set("Content-Type", "text/plain");
  response.headers.set("Sec-WebSocket-Version", "13");
  return response;
}

Task<Response> stream_logs(Sessions& sessions, Session::CommandPtr command, bool combined, Fd log,
                           Request& request) {
  Following what{.command = std::move(command),
                 .shutdown = &sessions.shutdown(),
                 .follow = request.query.get("follow") == "true",
                 .combined = combined};
  auto shared = std::make_shared<Fd>(std::move(log));
  auto session = [what, shared](WebSocket& socket) { return send_log(socket, what, shared); };
  auto response = websocket_response(request, version_protocol(request), session);
  if (!response) co_return no_handshake(response.error());
  co_return std::move(*response);
}

Task<Response> logs(Sessions& sessions, std::string session, std::string id, LogUse use, Request& request) {
  auto command = sessions.find_command(session, id);
  if (!command) co_return error_response(request, command.error());
  auto log = open_log((*command)->file("output.log"));
  if (!log) co_return error_response(request, log.error());
  if (!iequals(request.headers.get_or("Upgrade"), "websocket"))
    co_return log_response(std::move(*log), log_form(request, use));
  LogUse stream = use == LogUse::command ? LogUse::command_stream : use;
  bool combined = log_form(request, stream).combined;
  co_return co_await stream_logs(sessions, *command, combined, std::move(*log), request);
}

Task<Response> command_logs(Sessions& sessions, Request& request) {
  co_return co_await logs(sessions, std::string(request.param("sessionId")),
                          std::string(request.param("commandId")), LogUse::command, request);
}

Task<Response> entrypoint_logs(Sessions& sessions, Request& request) {
  co_return co_await logs(sessions, std::string(kEntrypointSession), std::string(kEntrypointCommand),
                          LogUse::entrypoint, request);
}

}  // namespace

std::vector<Route> session_routes(Sessions& sessions) {
  Sessions* s = &sessions;
  return {
      {"POST", "/process/session", [s](Request& r) { return create(*s, r); }},
      {"GET", "/process/session", [s](Request& r) { return list(*s, r); }},
      {"GET", "/process/session/entrypoint",
       [s](Request& r) { return get(*s, std::string(kEntrypointSession), r); }},
      {"GET", "/process/session/entrypoint/logs", [s](Request& r) { return entrypoint_logs(*s, r); }},
      {"GET", "/process/session/{sessionId}",
       [s](Request& r) { return get(*s, std::string(r.param("sessionId")), r); }},
      {"DELETE", "/process/session/{sessionId}", [s](Request& r) { return remove(*s, r); }},
      {"POST", "/process/session/{sessionId}/exec", [s](Request& r) { return exec(*s, r); }},
      {"GET", "/process/session/{sessionId}/command/{commandId}",
       [s](Request& r) { return get_command(*s, r); }},
      {"POST", "/process/session/{sessionId}/command/{commandId}/input",
       [s](Request& r) { return input(*s, r); }},
      {"GET", "/process/session/{sessionId}/command/{commandId}/logs",
       [s](Request& r) { return command_logs(*s, r); }},
  };
}

}  // namespace dt::daemon
