#include "apps/daemon/process/routes.h"

#include <malloc.h>

#include <memory>

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

// The answer to one run: small outputs as one body, large ones streamed from where they are kept.
struct Answer {
  std::string head;  // up to the output's text
  std::shared_ptr<CapturedOutput> output;
  std::string tail;  // from the quote after it
};

Task<Status> write_answer(std::shared_ptr<Answer> answer, BodyWriter& to) {
  CO_TRY_VOID(co_await to.write(answer->head));
  CO_TRY_VOID(co_await answer->output->write_json(to));
  ::malloc_trim(0);  // large runs are rare, and an idle daemon is small
  co_return co_await to.write(answer->tail);
}

Response answered(Response response, Answer answer) {
  if (answer.output->in_memory()) {
    const std::string& text = answer.output->text();
    response.body = std::move(answer.head);
    response.body.reserve(response.body.size() + text.size() + text.size() / 16 + answer.tail.size());
    response.body.pop_back();  // write_string puts both quotes
    codec::write_string(response.body, text);
    response.body += std::string_view(answer.tail).substr(1);
    return response;
  }
  auto shared = std::make_shared<Answer>(std::move(answer));
  response.stream = [shared](BodyWriter& to) { return write_answer(shared, to); };
  return response;
}

// 200, or 408 with what came before the time-out besides the members of an error.
Response result_response(const Request& request, std::string_view what, CommandResult result,
                         const std::vector<std::string>& charts) {
  bool late = result.end == CommandResult::End::timed_out;
  Response response = late ? error_response(request, timeout_error(what)) : json_response(200, "{");
  Answer answer{.head = std::exchange(response.body, ""),
                .output = std::make_shared<CapturedOutput>(std::move(result.output)),
                .tail = "\""};
  if (late) answer.head.back() = ',';
  answer.head += "\"exitCode\":" + std::to_string(result.exit_code) + ",\"result\":\"";
  if (!charts.empty()) answer.tail += ",\"artifacts\":{\"charts\":[" + join(charts, ",") + "]}";
  answer.tail += '}';
  return answered(std::move(response), std::move(answer));
}

Task<Response> execute(ProcessContext& context, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto spec = decode_execute(*text);
  text = std::string();
  if (!spec) co_return error_response(request, spec.error());
  auto shell = context.shells.shell();
  CommandResult result = not_run(context, -1, shell ? "" : shell.error().message);
  if (shell) {
    spec->program = *shell;
    spec->argv = {*shell};
    result = co_await run_command(context, std::move(*spec));
  }
  co_return result_response(request, "command execution", std::move(result), {});
}

Task<Response> code_run(ProcessContext& context, Request& request) {
  auto text = co_await request.body->read_all(kJsonBodyLimit);
  if (!text) co_return error_response(request, text.error());
  auto run = decode_code_run(*text);
  text = std::string();
  if (!run) co_return error_response(request, run.error());
  CodeResult result = co_await run_code(context, std::move(*run));
  co_return result_response(request, "code execution", std::move(result.ran), result.charts);
}

}  // namespace

std::vector<Route> process_routes(ProcessContext& context) {
  return {
      {"POST", "/process/execute", [&context](Request& r) { return execute(context, r); }},
      {"POST", "/process/code-run", [&context](Request& r) { return code_run(context, r); }},
  };
}

}  // namespace dt::daemon
