#include "apps/daemon/lsp/message.h"

#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::daemon::lsp {
namespace bj = boost::json;
namespace {

constexpr size_t kLongestRefusal = 400;

// What "\uXXXX" at this place stands for.
enum class Escape { other, leading, trailing };
Escape escape_at(std::string_view text, size_t at) {
  if (at + 6 > text.size() || text.substr(at, 2) != "\\u") return Escape::other;
  auto bytes = hex_decode(text.substr(at + 2, 4));
  auto high = bytes ? static_cast<unsigned char>((*bytes)[0]) : 0;
  if (high >= 0xD8 && high <= 0xDB) return Escape::leading;
  return high >= 0xDC && high <= 0xDF ? Escape::trailing : Escape::other;
}

std::string without_lone_surrogates(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t take = 1;
    Escape kind = escape_at(text, at);
    if (kind == Escape::leading && escape_at(text, at + 6) == Escape::trailing) {
      take = 12;
    } else if (kind != Escape::other) {
      out += "\\ufffd";
      at += 6;
      continue;
    } else if (text[at] == '\\' && at + 1 < text.size()) {
      take = 2;
    }
    out += text.substr(at, take);
    at += take;
  }
  return out;
}

Result<bj::value> parse_leniently(const std::string& text) {
  auto value = json::parse(text);
  if (!value) value = json::parse(without_lone_surrogates(replace_invalid_utf8(text)));
  if (value && value->is_object()) return value;
  return fail(Code::bad_gateway, "something that is not a JSON object");
}

Error refusal(const bj::value& error) {
  Error out{Code::bad_request, "without a reason", {}, 0};
  if (const auto* object = error.if_object()) {
    const auto* message = object->if_contains("message");
    const auto* code = object->if_contains("code");
    if (message && message->is_string()) out.message = std::string(message->get_string());
    if (code && code->is_int64()) out.sys_errno = static_cast<int>(code->get_int64());
  }
  out.message = replace_invalid_utf8(out.message.substr(0, kLongestRefusal));
  return out;
}

// A list of settings that nobody made is a list of nulls; everything else is null.
std::string result_for(const bj::object& request) {
  const bj::value& method = request.at("method");
  const auto* params = request.if_contains("params");
  if (!method.is_string() || method.get_string() != "workspace/configuration") return "null";
  if (!params || !params->is_object()) return "null";
  const auto* items = params->get_object().if_contains("items");
  return items && items->is_array() ? bj::serialize(bj::array(items->get_array().size())) : "null";
}

}  // namespace

Result<Message> parse_message(const std::string& text) {
  TRY(bj::value value, parse_leniently(text));
  auto whole = std::make_shared<const bj::value>(std::move(value));
  const bj::object& object = whole->get_object();
  Message out{.kind = Message::Kind::other, .id = 0, .answer = Json(), .reply = {}};
  const auto* id = object.if_contains("id");
  if (!id || id->is_null()) return out;
  if (object.if_contains("method")) {
    out.kind = Message::Kind::request;
    out.reply = R"({"jsonrpc":"2.0","id":)" + bj::serialize(*id) + R"(,"result":)" + result_for(object) + "}";
    return out;
  }
  if (!id->is_int64()) return out;
  out.kind = Message::Kind::answer;
  out.id = id->get_int64();
  const auto* error = object.if_contains("error");
  const auto* result = object.if_contains("result");
  if (error && !error->is_null())
    out.answer = std::unexpected(refusal(*error));
  else
    out.answer = result ? Json(whole, result) : std::make_shared<const bj::value>(nullptr);
  return out;
}

namespace {

std::string with_params(std::string text, std::string_view params) {
  if (!params.empty()) text.append(R"(,"params":)").append(params);
  return text + "}";
}

}  // namespace

std::string request_text(int64_t id, std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")";
  return with_params(out.append(method) + '"', params);
}

std::string notification_text(std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0","method":")";
  return with_params(out.append(method) + '"', params);
}

}  // namespace dt::daemon::lsp
