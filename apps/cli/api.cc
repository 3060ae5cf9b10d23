#include "apps/cli/api.h"

#include <fmt/core.h>

#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::cli {
namespace {
namespace bj = boost::json;

constexpr size_t kAnswerLimit = 512u << 20;  // the output of a command may be long

// A text, or a list of texts joined by ", ".
std::string words_of(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  if (!value) return "";
  if (value->is_string()) return std::string(std::string_view(value->get_string()));
  if (!value->is_array()) return "";
  std::vector<std::string> parts;
  for (const bj::value& item : value->get_array())
    if (item.is_string()) parts.emplace_back(std::string_view(item.get_string()));
  return join(parts, ", ");
}

ClientRequest make_request(const Settings& settings, const Url& url, std::string method,
                           const std::string& path, std::string body) {
  ClientRequest request{.method = std::move(method), .target = url.path + path, .body = std::move(body)};
  request.headers.set("Authorization", "Bearer " + settings.key.reveal());
  request.headers.set("Accept", "application/json");
  request.headers.set("User-Agent", "daytona-cli/" DT_VERSION);
  request.headers.set("X-Daytona-Source", "cli");
  request.headers.set("X-Daytona-CLI-Version", DT_VERSION);
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  return request;
}

}  // namespace

Error error_of_answer(int status, std::string_view body) {
  std::string text;
  auto parsed = json::parse(body);
  if (parsed && parsed->is_object()) {
    std::string error = words_of(parsed->get_object(), "error"),
                message = words_of(parsed->get_object(), "message");
    if (!error.empty() && !message.empty())
      text = error + ": " + message;
    else
      text = error + message;
  }
  if (text.empty()) text = fmt::format("the server answered {} {}", status, trim(body));
  if (status == 401) text += " - check DAYTONA_API_KEY";
  if (status == 403) text += " - check that your API key has sufficient permissions for this action";
  return Error{.code = code_from_status(status), .message = std::move(text)};
}

Task<Result<bj::value>> Api::exchange(std::string base, std::string method, std::string path,
                                      std::string body) {
  CO_TRY(Url url, parse_url(base));
  ClientRequest request = make_request(settings_, url, std::move(method), path, std::move(body));
  CallContext context;
  auto reply = co_await client_.call(context, url.endpoint, std::move(request), kAnswerLimit);
  if (!reply)
    co_return std::unexpected(Error{reply.error().code, fmt::format("cannot reach {}: {}; is the server up?",
                                                                    base, reply.error().message)});
  if (reply->status < 200 || reply->status > 299)
    co_return std::unexpected(error_of_answer(reply->status, reply->body));
  if (trim(reply->body).empty()) co_return bj::value();
  auto parsed = json::parse(reply->body);
  if (!parsed) co_return std::unexpected(parsed.error().context("the answer of " + base));
  co_return std::move(*parsed);
}

Task<Result<bj::value>> Api::start(std::string method, std::string path, std::string body) {
  return exchange(settings_.api_url, std::move(method), std::move(path), std::move(body));
}
Result<bj::value> Api::call(std::string method, std::string path, std::string body) {
  return loop_.run_until(start(std::move(method), std::move(path), std::move(body)));
}
Result<bj::value> Api::call_at(std::string base, std::string method, std::string path, std::string body) {
  return loop_.run_until(exchange(std::move(base), std::move(method), std::move(path), std::move(body)));
}

}  // namespace dt::cli
