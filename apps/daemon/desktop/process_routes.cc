#include "apps/daemon/desktop/process_routes.h"

#include "apps/daemon/http/errors.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

using desktop::Desktop;
using desktop::ProcessStatus;

std::string quoted(std::string_view text) {
  std::string out;
  codec::write_string(out, text);
  return out;
}

// Clients of the older generation read "error" and "details"; the other members are those of every error.
Response failure(const Request& request, int status, std::string_view error, std::string_view details = {}) {
  Code code = code_from_status(status);
  std::string message(error);
  if (!details.empty()) message += ": " + std::string(details);
  Response response = error_response(request, Error{code, message, std::string(wire_name(code))});
  std::string body = "{\"error\":" + quoted(error);
  if (!details.empty()) body += ",\"details\":" + quoted(details);
  response.body = body + "," + response.body.substr(1);
  return response;
}

std::string status_object(const ProcessStatus& status) {
  std::string out = status.running ? "{\"running\":true" : "{\"running\":false";
  out += ",\"priority\":" + std::to_string(status.part->priority);
  out += status.part->auto_restart ? ",\"autoRestart\":true" : ",\"autoRestart\":false";
  return out + ",\"pid\":" + (status.pid ? std::to_string(*status.pid) : "null") + "}";
}

Task<Response> all_statuses(Desktop& desktop, std::string message) {
  std::vector<ProcessStatus> statuses = co_await desktop.statuses();
  std::string body = "{\"message\":" + quoted(message) + ",\"status\":{";
  for (const ProcessStatus& status : statuses) {
    if (body.back() != '{') body += ",";
    body += quoted(status.part->name) + ":" + status_object(status);
  }
  co_return json_response(200, body + "}}");
}

Task<Response> start(Desktop& desktop, Request& request) {
  auto started = co_await desktop.start();
  if (!started) co_return failure(request, 503, "Failed to start computer use", started.error().message);
  co_return co_await all_statuses(desktop, "Computer use processes started successfully");
}

Task<Response> stop(Desktop& desktop, Request&) {
  co_await desktop.stop();
  co_return co_await all_statuses(desktop, "Computer use processes stopped successfully");
}

Task<Response> overall(Desktop& desktop, Request&) {
  co_return json_response(200, "{\"status\":\"" + std::string(desktop.overall()) + "\"}");
}

Task<Response> status(Desktop& desktop, Request& request) {
  auto found = co_await desktop.status(std::string(request.param("name")));
  if (!found) co_return failure(request, 503, "Failed to get process status", found.error().message);
  co_return json_response(200, "{\"processName\":" + quoted(found->part->name) +
                                   (found->running ? ",\"running\":true}" : ",\"running\":false}"));
}

Task<Response> restart(Desktop& desktop, Request& request) {
  std::string name(request.param("name"));
  auto restarted = co_await desktop.restart(name);
  if (!restarted) co_return failure(request, 400, restarted.error().message);
  co_return json_response(200, "{\"message\":" + quoted("Process " + name + " restarted successfully") +
                                   ",\"processName\":" + quoted(name) + "}");
}

Task<Response> output(Desktop& desktop, Request& request, Desktop::Output which) {
  std::string name(request.param("name"));
  auto text = co_await desktop.output(name, which);
  if (!text) co_return failure(request, 400, text.error().message);
  std::string_view member = which == Desktop::Output::log ? "logs" : "errors";
  co_return json_response(
      200, "{\"processName\":" + quoted(name) + "," + quoted(member) + ":" + quoted(*text) + "}");
}

}  // namespace

std::vector<Route> desktop_process_routes(Desktop& desktop) {
  auto to = [&desktop](auto function) {
    return [&desktop, function](Request& r) { return function(desktop, r); };
  };
  const std::string process = "/computeruse/process/{name}";
  return {
      {"POST", "/computeruse/start", to(start)},
      {"POST", "/computeruse/stop", to(stop)},
      {"GET", "/computeruse/status", to(overall)},
      {"GET", "/computeruse/process-status", to(overall)},
      {"GET", process + "/status", to(status)},
      {"POST", process + "/restart", to(restart)},
      {"GET", process + "/logs", [&desktop](Request& r) { return output(desktop, r, Desktop::Output::log); }},
      {"GET", process + "/errors",
       [&desktop](Request& r) { return output(desktop, r, Desktop::Output::errors); }},
  };
}

}  // namespace dt::daemon
