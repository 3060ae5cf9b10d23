#include "apps/daemon/lsp/answers.h"

#include <boost/json.hpp>

#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon::lsp {
namespace bj = boost::json;
namespace {

constexpr int kDeepest = 32;
constexpr int64_t kVariable = 13;  // the SymbolKind of what has none

std::string_view view(const bj::string& text) { return {text.data(), text.size()}; }

const bj::object* member_object(const bj::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

std::string_view member_text(const bj::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? view(value->get_string()) : std::string_view();
}

int64_t member_number(const bj::object& object, const char* name, int64_t fallback) {
  const auto* value = object.if_contains(name);
  return value && value->is_int64() && value->get_int64() >= 0 ? value->get_int64() : fallback;
}

std::string place_json(const bj::object* place) {
  int64_t line = place ? member_number(*place, "line", 0) : 0;
  int64_t character = place ? member_number(*place, "character", 0) : 0;
  return "{\"line\":" + std::to_string(line) + ",\"character\":" + std::to_string(character) + "}";
}

std::string range_json(const bj::object* range) {
  const bj::object* start = range ? member_object(*range, "start") : nullptr;
  const bj::object* end = range ? member_object(*range, "end") : nullptr;
  return "{\"start\":" + place_json(start) + ",\"end\":" + place_json(end) + "}";
}

void add_text(std::string& out, const bj::object& item, const char* name) {
  const auto* value = item.if_contains(name);
  if (!value || !value->is_string()) return;
  out.append(",\"").append(name).append("\":");
  codec::write_string(out, view(value->get_string()));
}

// Text that begins with a sign (".name") replaces what was typed, which only an edit can say.
bool begins_a_word(std::string_view text) {
  auto c = static_cast<unsigned char>(text.empty() ? ' ' : text.front());
  return c == '_' || c == '$' || c >= 0x80 || (c >= '0' && c <= '9') ||
         ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

std::string item_json(const bj::object& item) {
  std::string out = "{\"label\":";
  codec::write_string(out, member_text(item, "label"));
  if (int64_t kind = member_number(item, "kind", 0)) out += ",\"kind\":" + std::to_string(kind);
  if (const auto* documentation = item.if_contains("documentation");
      documentation && !documentation->is_null())
    out += ",\"documentation\":" + bj::serialize(*documentation);
  for (const char* name : {"detail", "sortText", "filterText", "insertText"}) add_text(out, item, name);
  const bj::object* edit = member_object(item, "textEdit");
  if (edit && member_text(item, "insertText").empty() && begins_a_word(member_text(*edit, "newText"))) {
    out += ",\"insertText\":";
    codec::write_string(out, member_text(*edit, "newText"));
  }
  return out + "}";
}

}  // namespace

void SymbolList::add_symbol(const bj::object& symbol, const std::string& document, int depth) {
  std::string_view name = member_text(symbol, "name");
  const bj::object* location = member_object(symbol, "location");
  std::string path = location ? path_of_server_uri(member_text(*location, "uri")) : std::string();
  std::string uri = path.empty() && location ? std::string(member_text(*location, "uri"))
                                             : names_.uri_of(path.empty() ? document : path);
  if (query_.empty() || lower(name).find(query_) != std::string::npos) {
    std::string text =
        "{\"kind\":" + std::to_string(member_number(symbol, "kind", kVariable)) + ",\"location\":{\"uri\":";
    codec::write_string(text, uri);
    text += ",\"range\":" + range_json(member_object(location ? *location : symbol, "range")) + "},\"name\":";
    codec::write_string(text, name);
    text += "}";
    if (!full() && seen_.insert(text).second) items_ += (items_.empty() ? "" : ",") + text;
  }
  const auto* children = symbol.if_contains("children");
  if (!children || !children->is_array() || depth >= kDeepest) return;
  for (const bj::value& child : children->get_array())
    if (child.is_object()) add_symbol(child.get_object(), document, depth + 1);
}

void SymbolList::add(const Json& answer, const std::string& document) {
  if (!answer || !answer->is_array()) return;
  for (const bj::value& symbol : answer->get_array())
    if (symbol.is_object()) add_symbol(symbol.get_object(), document, 0);
}

std::string position_json(const Position& position) {
  return "{\"line\":" + std::to_string(position.line) +
         ",\"character\":" + std::to_string(position.character) + "}";
}

std::string completions_json(const Json& answer) {
  const bj::array* items = answer ? answer->if_array() : nullptr;
  bool incomplete = false;
  if (const bj::object* list = answer ? answer->if_object() : nullptr) {
    const auto* flag = list->if_contains("isIncomplete");
    const auto* found = list->if_contains("items");
    incomplete = flag && flag->is_bool() && flag->get_bool();
    items = found ? found->if_array() : nullptr;
  }
  std::string out = std::string("{\"isIncomplete\":") + (incomplete ? "true" : "false") + ",\"items\":[";
  bool first = true;
  for (size_t i = 0; items && i < items->size(); ++i) {
    if (!(*items)[i].is_object()) continue;
    if (!std::exchange(first, false)) out += ",";
    out += item_json((*items)[i].get_object());
  }
  return out + "]}";
}

}  // namespace dt::daemon::lsp
