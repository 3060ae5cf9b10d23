#include "apps/daemon/info/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/process/routes.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

Task<Response> version(Request&) { co_return json_response(200, "{\"version\":\"v" DT_VERSION "\"}"); }

Response dir_response(std::string_view dir) {
  std::string body = "{\"dir\":";
  codec::write_string(body, dir);
  return json_response(200, body + "}");
}

Task<Response> work_dir(ProcessContext& context, Request&) { co_return dir_response(context.work_dir); }

Task<Response> home_dir(ProcessContext& context, Request& request) {
  auto home = context.environment.get("HOME");
  if (!home) co_return error_response(request, Error{Code::internal, "$HOME is not defined"});
  co_return dir_response(*home);
}

// The token is for telemetry, which this daemon does not send; old runners and clients still announce
// themselves.
Task<Response> init(Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto body = JsonBody::parse(*text, "InitializeRequest");
  if (!body) co_return error_response(request, body.error());
  body->text("token");
  if (auto status = body->status(); !status) co_return error_response(request, status.error());
  co_return json_response(200, R"({"message":"Auth token set and telemetry initialized successfully"})");
}

Result<Environment::Change> decode_change(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "UpdateEnvRequest"));
  Environment::Change change;
  if (auto set = body.map("set"))
    for (auto& [name, value] : *set) change.set.emplace(name, std::move(value));
  if (auto unset = body.list("unset")) change.unset = std::move(*unset);
  change.unset_value_prefix = body.text("unsetValuePrefix");
  TRY_VOID(body.status());
  for (const auto& [name, value] : change.set) {
    if (!valid_env_name(name))
      return fail(Code::bad_request, "invalid environment variable name: '" + name + "'");
    if (value.find('\0') != std::string::npos)
      return fail(Code::bad_request, "NUL in the value of '" + name + "'");
  }
  return change;
}

Task<Response> update_env(ProcessContext& context, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto change = decode_change(*text);
  if (!change) co_return error_response(request, change.error());
  context.environment.apply(*change);
  co_return json_response(200, R"({"message":"Environment updated successfully"})");
}

}  // namespace

std::vector<Route> info_routes(ProcessContext& context) {
  Handler home = [&context](Request& r) { return home_dir(context, r); };
  return {
      {"GET", "/version", version},
      {"GET", "/work-dir", [&context](Request& r) { return work_dir(context, r); }},
      {"GET", "/user-home-dir", home},
      {"GET", "/project-dir", home},
      {"POST", "/init", init},
      {"POST", "/env", [&context](Request& r) { return update_env(context, r); }},
  };
}

}  // namespace dt::daemon
