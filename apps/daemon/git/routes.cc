#include "apps/daemon/git/routes.h"

#include <array>

#include "apps/daemon/http/errors.h"
#include "apps/daemon/process/routes.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

extern "C" const char dt_git_section[];  // of dt_companion

namespace dt::daemon {

struct GitService::Operation {
  const char* method;
  const char* path;
  const char* name;  // for daytona-git
  int success;
  // GET: the parameters that are handed on; the first is required.
  std::array<const char*, 3> parameters = {};
};

namespace {

constexpr size_t kAnswerLimit = 256u << 20;

using Parameters = std::array<const char*, 3>;

Result<std::string> query_members(const Request& request, const Parameters& names) {
  std::string out = "{";
  for (const char* name : names) {
    if (!name) break;
    auto value = request.query.get(name);
    if (name == names[0] && (!value || value->empty()))
      return fail(Code::bad_request, std::string(name) + " is required");
    if (!value) continue;
    if (out.size() > 1) out += ',';
    out += json::quote(name) + ":" + json::quote(*value);
  }
  return out + "}";
}

Error broken(const Companion::Answer& answer) {
  return Error{Code::internal,
               "the git operation ended without an answer" +
                   std::string(answer.exit_code < 0 ? ": it was killed, perhaps for want of memory" : ""),
               "INTERNAL_SERVER_ERROR"};
}

// "error STATUS CODE\nmessage"
Error read_error(std::string_view head, std::string_view message) {
  std::vector<std::string_view> words = split(head, ' ');
  int64_t status = words.size() == 3 ? parse_int(words[1]).value_or(500) : 500;
  return Error{code_from_status(static_cast<int>(status)), std::string(message),
               words.size() == 3 ? std::string(words[2]) : std::string("INTERNAL_SERVER_ERROR")};
}

Response to_response(const Request& request, Companion::Answer answer, int success) {
  size_t line = answer.output.find('\n');
  if (line == std::string::npos || answer.exit_code != 0) return error_response(request, broken(answer));
  std::string_view head = std::string_view(answer.output).substr(0, line);
  if (head != "ok")
    return error_response(request, read_error(head, std::string_view(answer.output).substr(line + 1)));
  answer.output.erase(0, line + 1);
  return answer.output.empty() ? Response::empty(success) : json_response(success, std::move(answer.output));
}

}  // namespace

GitService::GitService(ProcessContext& process, WorkerPool& pool)
    : companion_(process, pool, "daytona-git", dt_git_section) {}

Task<Response> GitService::serve(Request& request, const Operation& operation) {
  std::string input = std::string(operation.name) + "\n";
  if (operation.parameters[0]) {
    auto members = query_members(request, operation.parameters);
    if (!members) co_return error_response(request, members.error());
    input += *members;
  } else {
    auto text = co_await request.body->read_all(kJsonBodyLimit);
    if (!text) co_return error_response(request, text.error());
    input += *text;
  }
  auto answer = co_await companion_.run({}, std::move(input), kAnswerLimit);
  if (!answer) co_return error_response(request, answer.error());
  co_return to_response(request, std::move(*answer), operation.success);
}

std::vector<Route> GitService::routes() {
  static constexpr Operation kOperations[] = {
      {"POST", "/git/clone", "clone", 200},
      {"POST", "/git/init", "init", 201},
      {"GET", "/git/status", "status", 200, {"path"}},
      {"GET", "/git/history", "history", 200, {"path"}},
      {"GET", "/git/branches", "list-branches", 200, {"path"}},
      {"POST", "/git/branches", "create-branch", 201},
      {"DELETE", "/git/branches", "delete-branch", 204},
      {"POST", "/git/checkout", "checkout", 200},
      {"POST", "/git/add", "add", 200},
      {"POST", "/git/commit", "commit", 200},
      {"POST", "/git/reset", "reset", 200},
      {"POST", "/git/restore", "restore", 200},
      {"POST", "/git/push", "push", 200},
      {"POST", "/git/pull", "pull", 200},
      {"GET", "/git/remotes", "list-remotes", 200, {"path"}},
      {"POST", "/git/remotes", "add-remote", 201},
      {"GET", "/git/config", "get-config", 200, {"key", "scope", "path"}},
      {"POST", "/git/config", "set-config", 200},
      {"POST", "/git/config/user", "set-user", 200},
      {"POST", "/git/credentials", "store-credentials", 200},
  };
  std::vector<Route> out;
  for (const Operation& operation : kOperations)
    out.push_back(
        {operation.method, operation.path, [this, &operation](Request& r) { return serve(r, operation); }});
  return out;
}

}  // namespace dt::daemon
