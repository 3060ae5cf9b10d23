#include "apps/daemon/interpreter/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/http/timestamp.h"
#include "apps/daemon/interpreter/connection.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {

using interpreter::Context;
using interpreter::Contexts;

namespace {

constexpr size_t kBodyLimit = 64 * 1024;

std::string context_json(const Context& context) {
  std::string out = "{\"id\":\"" + context.id() + "\",\"cwd\":";
  codec::write_string(out, context.cwd());
  out += ",\"createdAt\":\"" + rfc3339(context.created()) + "\",\"active\":";
  out += context.active() ? "true" : "false";
  return out + ",\"language\":\"python\"}";
}

Result<std::string> decode_create(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "CreateContextRequest"));
  std::string cwd = body.text("cwd");
  std::string language = body.text("language");
  TRY_VOID(body.status());
  if (!language.empty() && language != "python")
    return fail(Code::bad_request, "unsupported language: " + language + " (only python)");
  if (cwd.find('\0') != std::string::npos) return fail(Code::bad_request, "invalid cwd");
  return cwd;
}

Task<Response> create(Contexts& contexts, Request& request) {
  auto text = co_await request.body->read_all(kBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto cwd = decode_create(*text);
  if (!cwd) co_return error_response(request, cwd.error());
  auto context = contexts.create(*cwd);
  if (!context)
    co_return error_response(
        request, Error{Code::internal, "cannot start the interpreter: " + context.error().message});
  co_return json_response(200, context_json(**context));
}

Task<Response> list(Contexts& contexts, Request&) {
  std::vector<std::string> all;
  for (const auto& context : contexts.list()) all.push_back(context_json(*context));
  co_return json_response(200, "{\"contexts\":[" + join(all, ",") + "]}");
}

Task<Response> remove(Contexts& contexts, Request& request) {
  auto removed = co_await contexts.remove(std::string(request.param("id")));
  if (!removed) co_return error_response(request, removed.error());
  co_return json_response(200, R"({"message":"Context deleted successfully"})");
}

}  // namespace

std::vector<Route> interpreter_routes(Contexts& contexts) {
  return {
      {"POST", "/process/interpreter/context", [&contexts](Request& r) { return create(contexts, r); }},
      {"GET", "/process/interpreter/context", [&contexts](Request& r) { return list(contexts, r); }},
      {"DELETE", "/process/interpreter/context/{id}",
       [&contexts](Request& r) { return remove(contexts, r); }},
      {"GET", "/process/interpreter/execute",
       [&contexts](Request& r) { return interpreter::execute(contexts, r); }},
  };
}

}  // namespace dt::daemon
