#include "apps/daemon/process/routes.h"

#include "apps/daemon/http/errors.h"
#include "apps/daemon/http/json_body.h"
#include "apps/daemon/process/code_run.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

Error timeout_error(std::string_view what) {
  return Error{Code::timeout, "request timeout: " + std::string(what) + " timeout",
               "PROCESS_EXECUTION_TIMEOUT"};
}

Status check_env_names(const std::map<std::string, std::string>& envs) {
  for (const auto& [name, value] : envs)
    if (!valid_env_name(name))
      return fail(Code::bad_request, "invalid environment variable name: '" + name + "'");
  return {};
}

Result<CommandSpec> decode_execute(std::string_view text) {
  auto body = JsonBody::parse(text, "ExecuteRequest");
  // The contract answers BAD_REQUEST here, not INVALID_REQUEST_BODY.
  if (!body) return fail(Code::bad_request, "invalid request body: " + body.error().message);
  CommandSpec spec;
  spec.input = body->required_text("command");
  spec.cwd = body->text("cwd");
  spec.timeout_seconds = body->number("timeout").value_or(0);
  if (auto envs = body->map("envs")) spec.envs = std::move(*envs);
  if (auto status = body->status(); !status)
    return fail(Code::bad_request, "invalid request body: " + status.error().message);
  if (trim(spec.input).empty()) return fail(Code::bad_request, "command cannot be empty or whitespace-only");
  TRY_VOID(check_env_names(spec.envs));
  return spec;
}

Result<CodeRun> decode_code_run(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "CodeRunRequest"));
  CodeRun run;
  run.code = body.required_text("code");
  std::string language = body.required_text("language");
  if (auto argv = body.list("argv")) run.argv = std::move(*argv);
  if (auto envs = body.map("envs")) run.envs = std::move(*envs);
  run.timeout_seconds = body.number("timeout").value_or(0);
  TRY_VOID(body.status());
  auto known = parse_language(language);
  if (!known) return fail(Code::bad_request, "unsupported language: " + language);
  run.language = *known;
  TRY_VOID(check_env_names(run.envs));
  return run;
}

std::string result_members(int exit_code, std::string_view result) {
  std::string out;
  out.reserve(result.size() + result.size() / 16 + 64);
  out += "{\"exitCode\":" + std::to_string(exit_code) + ",\"result\":";
  codec::write_string(out, result);
  return out;
}

Task<Response> execute(ProcessContext& context, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto spec = decode_execute(*text);
  if (!spec) co_return error_response(request, spec.error());
  auto shell = context.shells.shell();
  if (!shell) co_return json_response(200, result_members(-1, shell.error().message) + "}");
  spec->program = *shell;
  spec->argv = {*shell};
  CommandResult result = co_await run_command(context, std::move(*spec));
  if (result.end == CommandResult::End::timed_out)
    co_return error_response(request, timeout_error("command execution"));
  co_return json_response(200, result_members(result.exit_code, result.output) + "}");
}

Task<Response> code_run(ProcessContext& context, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto run = decode_code_run(*text);
  if (!run) co_return error_response(request, run.error());
  CodeResult result = co_await run_code(context, std::move(*run));
  if (result.timed_out) co_return error_response(request, timeout_error("code execution"));
  std::string body = result_members(result.exit_code, result.output);
  if (!result.charts.empty()) body += ",\"artifacts\":{\"charts\":[" + join(result.charts, ",") + "]}";
  co_return json_response(200, body + "}");
}

}  // namespace

std::vector<Route> process_routes(ProcessContext& context) {
  return {
      {"POST", "/process/execute", [&context](Request& r) { return execute(context, r); }},
      {"POST", "/process/code-run", [&context](Request& r) { return code_run(context, r); }},
  };
}

}  // namespace dt::daemon
