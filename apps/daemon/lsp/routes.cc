#include "apps/daemon/lsp/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "libs/codec/json.h"

namespace dt::daemon {

using lsp::Workspace;
using lsp::Workspaces;

namespace {

constexpr size_t kBodyLimit = 1u << 20;

struct Call {
  std::string language, project;
  std::string uri;      // of documents
  std::string query;    // of symbols
  lsp::Position at;     // of completions
  std::string context;  // JSON
};

Status decode_context(JsonBody& body, std::string& out) {
  auto context = body.object("context", "CompletionContext");
  if (!context) return body.status();  // absent, or no object
  auto kind = context->number("triggerKind");
  std::string character = context->text("triggerCharacter");
  TRY_VOID(context->status());
  if (!kind) return {};
  out = "{\"triggerKind\":" + std::to_string(*kind);
  if (!character.empty()) out += ",\"triggerCharacter\":" + json::quote(character);
  out += "}";
  return {};
}

Status decode_completion(JsonBody& body, Call& call) {
  auto position = body.object("position", "LspPosition");
  if (!position) {
    if (!body.has("position")) body.missing("position");
    return body.status();
  }
  auto line = position->number("line"), character = position->number("character");
  if (!position->has("line")) position->missing("line");
  if (!position->has("character")) position->missing("character");
  TRY_VOID(position->status());
  call.at = {*line, *character};
  return decode_context(body, call.context);
}

enum class Body { server, document, completion };

Result<Call> decode(std::string_view text, Body kind) {
  constexpr const char* kTypes[] = {"LspServerRequest", "LspDocumentRequest", "LspCompletionParams"};
  TRY(JsonBody body, JsonBody::parse(text, kTypes[static_cast<size_t>(kind)]));
  Call call;
  call.language = body.required_text("languageId");
  call.project = body.required_text("pathToProject");
  if (kind != Body::server) call.uri = body.required_text("uri");
  TRY_VOID(body.status());
  if (kind == Body::completion) TRY_VOID(decode_completion(body, call));
  return call;
}

Task<Result<Call>> read_call(Request& request, Body kind) {
  auto text = co_await request.body->read_all(kBodyLimit);
  if (!text) co_return std::unexpected(text.error());
  co_return decode(*text, kind);
}

Result<Call> query_call(const Request& request, std::string Call::* more, std::string_view name) {
  Call call;
  std::string missing;
  auto take = [&](std::string_view key, std::string& out) {
    out = std::string(request.query.get(key).value_or(""));
    if (out.empty()) missing += (missing.empty() ? "" : ", ") + std::string(key);
  };
  take("languageId", call.language);
  take("pathToProject", call.project);
  take(name, call.*more);
  if (!missing.empty()) return fail(Code::bad_request, "the query must have " + missing);
  return call;
}

Response done(const Request& request, const Status& status) {
  return status ? Response::empty(200) : error_response(request, status.error());
}

Response answer(const Request& request, const Result<std::string>& json) {
  return json ? json_response(200, *json) : error_response(request, json.error());
}

Task<Response> start(Workspaces& all, Request& request) {
  auto call = co_await read_call(request, Body::server);
  if (!call) co_return error_response(request, call.error());
  Status started = co_await all.start(call->language, call->project);
  co_return done(request, started);
}

Task<Response> stop(Workspaces& all, Request& request) {
  auto call = co_await read_call(request, Body::server);
  if (!call) co_return error_response(request, call.error());
  Status stopped = co_await all.stop(call->language, call->project);
  co_return done(request, stopped);
}

Task<Response> change(Workspaces& all, Request& request, bool open) {
  auto call = co_await read_call(request, Body::document);
  if (!call) co_return error_response(request, call.error());
  auto workspace = all.find(call->language, call->project);
  if (!workspace) co_return error_response(request, workspace.error());
  Task<Status> work = open ? (*workspace)->open(call->uri) : (*workspace)->close(call->uri);
  Status changed = co_await std::move(work);
  co_return done(request, changed);
}

Task<Response> completions(Workspaces& all, Request& request) {
  auto call = co_await read_call(request, Body::completion);
  if (!call) co_return error_response(request, call.error());
  auto workspace = all.find(call->language, call->project);
  if (!workspace) co_return error_response(request, workspace.error());
  auto found = co_await (*workspace)->completions(call->uri, call->at, call->context, request.ctx);
  co_return answer(request, found);
}

Task<Response> document_symbols(Workspaces& all, Request& request) {
  auto call = query_call(request, &Call::uri, "uri");
  if (!call) co_return error_response(request, call.error());
  auto workspace = all.find(call->language, call->project);
  if (!workspace) co_return error_response(request, workspace.error());
  auto found = co_await (*workspace)->document_symbols(call->uri, request.ctx);
  co_return answer(request, found);
}

Task<Response> workspace_symbols(Workspaces& all, Request& request) {
  auto call = query_call(request, &Call::query, "query");
  if (!call) co_return error_response(request, call.error());
  auto workspace = all.find(call->language, call->project);
  if (!workspace) co_return error_response(request, workspace.error());
  auto found = co_await (*workspace)->workspace_symbols(call->query, request.ctx);
  co_return answer(request, found);
}

}  // namespace

std::vector<Route> lsp_routes(Workspaces& all) {
  return {
      {"POST", "/lsp/start", [&all](Request& r) { return start(all, r); }},
      {"POST", "/lsp/stop", [&all](Request& r) { return stop(all, r); }},
      {"POST", "/lsp/did-open", [&all](Request& r) { return change(all, r, true); }},
      {"POST", "/lsp/did-close", [&all](Request& r) { return change(all, r, false); }},
      {"POST", "/lsp/completions", [&all](Request& r) { return completions(all, r); }},
      {"GET", "/lsp/document-symbols", [&all](Request& r) { return document_symbols(all, r); }},
      {"GET", "/lsp/workspacesymbols", [&all](Request& r) { return workspace_symbols(all, r); }},
  };
}

}  // namespace dt::daemon
