#include "apps/daemon/http/json_body.h"

#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::daemon {
namespace bj = boost::json;
namespace {

std::string_view kind_name(const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::string:
      return "string";
    case bj::kind::array:
      return "array";
    case bj::kind::object:
      return "object";
    case bj::kind::bool_:
      return "bool";
    case bj::kind::null:
      return "null";
    default:
      return "number";
  }
}

std::string capitalised(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

std::string plain(const bj::value& value) {
  const bj::string& s = value.get_string();
  return std::string(s.data(), s.size());
}

}  // namespace

Result<JsonBody> JsonBody::parse(std::string_view text, std::string type) {
  if (trim(text).empty()) return fail(Code::invalid_body, "EOF");
  TRY(bj::value value, json::parse(text));
  JsonBody body;
  body.type_ = std::move(type);
  if (value.is_object()) {
    body.object_ = std::move(value.get_object());
  } else if (!value.is_null()) {
    return fail(Code::invalid_body, "json: cannot unmarshal " + std::string(kind_name(value)) +
                                        " into Go value of type " + body.type_);
  }
  return body;
}

const bj::value* JsonBody::find(std::string_view name) const {
  const bj::value* found = object_.if_contains(bj::string_view(name.data(), name.size()));
  if (!found) {
    for (const auto& item : object_)
      if (iequals(std::string_view(item.key().data(), item.key().size()), name)) found = &item.value();
  }
  return found && !found->is_null() ? found : nullptr;
}

void JsonBody::wrong(std::string_view name, const bj::value& value, std::string_view wanted) {
  if (!problem_.empty()) problem_ += "\n";
  problem_ += "json: cannot unmarshal " + std::string(kind_name(value)) + " into Go struct field " + type_ +
              "." + std::string(name) + " of type " + std::string(wanted);
}

void JsonBody::missing(std::string_view name) {
  if (!problem_.empty()) problem_ += "\n";
  std::string field = capitalised(name);
  problem_ += "Key: '" + type_ + "." + field + "' Error:Field validation for '" + field +
              "' failed on the 'required' tag";
}

std::string JsonBody::text(std::string_view name) {
  const bj::value* value = find(name);
  if (!value) return {};
  if (value->is_string()) return plain(*value);
  wrong(name, *value, "string");
  return {};
}

std::string JsonBody::required_text(std::string_view name) {
  const bj::value* value = find(name);
  std::string out = text(name);
  if (out.empty() && (!value || value->is_string())) missing(name);
  return out;
}

std::optional<uint32_t> JsonBody::number(std::string_view name) {
  const bj::value* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= 0 && value->get_int64() <= UINT32_MAX)
    return static_cast<uint32_t>(value->get_int64());
  wrong(name, *value, "uint32");
  return std::nullopt;
}

std::optional<bool> JsonBody::flag(std::string_view name) {
  const bj::value* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  wrong(name, *value, "bool");
  return std::nullopt;
}

std::optional<std::vector<std::string>> JsonBody::list(std::string_view name) {
  const bj::value* value = find(name);
  if (!value) return std::nullopt;
  std::vector<std::string> out;
  if (!value->is_array()) {
    wrong(name, *value, "[]string");
    return std::nullopt;
  }
  for (const bj::value& item : value->get_array()) {
    if (item.is_string())
      out.push_back(plain(item));
    else
      wrong(name, item, "string");
  }
  return out;
}

std::optional<std::map<std::string, std::string>> JsonBody::map(std::string_view name) {
  const bj::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_object()) {
    wrong(name, *value, "map[string]string");
    return std::nullopt;
  }
  std::map<std::string, std::string> out;
  for (const auto& item : value->get_object()) {
    if (item.value().is_string())
      out[std::string(item.key())] = plain(item.value());
    else
      wrong(name, item.value(), "string");
  }
  return out;
}

std::optional<JsonBody> JsonBody::object(std::string_view name, std::string type) {
  const bj::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_object()) {
    wrong(name, *value, type);
    return std::nullopt;
  }
  JsonBody out;
  out.object_ = value->get_object();
  out.type_ = std::move(type);
  return out;
}

Status JsonBody::status() const {
  if (problem_.empty()) return {};
  return fail(Code::invalid_body, problem_);
}

}  // namespace dt::daemon
