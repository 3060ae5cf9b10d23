#include "apps/daemon/http/errors.h"

#include <ctime>

#include "apps/daemon/http/timestamp.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

std::string_view prefix_of(Code code) {
  switch (code) {
    case Code::bad_request:
      return "bad request: ";
    case Code::invalid_body:
      return "invalid body request: ";
    case Code::unauthorized:
      return "unauthorized: ";
    case Code::forbidden:
      return "forbidden: ";
    case Code::not_found:
      return "not found: ";
    case Code::timeout:
      return "request timeout: ";
    case Code::conflict:
      return "conflict: ";
    case Code::gone:
      return "gone: ";
    case Code::unprocessable:
      return "unprocessable entity: ";
    case Code::internal:
    case Code::io:
      return "internal server error: ";
    default:
      return "";
  }
}

}  // namespace

std::string error_members(int status, std::string_view code, std::string_view message, std::string_view path,
                          std::string_view method) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::string out = "\"statusCode\":" + std::to_string(status) + ",\"message\":";
  codec::write_string(out, message);
  out += ",\"code\":";
  codec::write_string(out, code);
  out += ",\"source\":\"DAYTONA_DAEMON\",\"timestamp\":\"" + rfc3339(now) + "\",\"path\":";
  codec::write_string(out, path);
  out += ",\"method\":";
  codec::write_string(out, method);
  return out;
}

std::string error_json(int status, std::string_view code, std::string_view message, std::string_view path,
                       std::string_view method) {
  return "{" + error_members(status, code, message, path, method) + "}";
}

Response error_response(const Request& request, const Error& error) {
  std::string message =
      error.wire_code.empty() ? std::string(prefix_of(error.code)) + error.message : error.message;
  std::string_view code = error.wire_code.empty() ? wire_name(error.code) : std::string_view(error.wire_code);
  int status = http_status(error.code);
  auto path = percent_decode(request.path);
  Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = error_json(status, code, message, path ? *path : request.path, request.method);
  return response;
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(body);
  return response;
}

Response not_routed() {
  Response response;
  response.status = 404;
  response.headers.set("Content-Type", "text/plain");
  response.body = "404 page not found";
  return response;
}

}  // namespace dt::daemon
