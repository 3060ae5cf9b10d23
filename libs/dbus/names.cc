#include "libs/dbus/names.h"

#include <cstddef>

namespace dt::dbus {
namespace {

constexpr size_t kMaxName = 255;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

struct Elements {
  bool hyphens = false;         // '-' may stand in an element
  bool leading_digits = false;  // an element may begin with a digit
};

bool valid_element(std::string_view text, Elements rules) {
  if (text.empty() || (digit(text[0]) && !rules.leading_digits)) return false;
  for (char c : text)
    if (!letter(c) && !digit(c) && !(rules.hyphens && c == '-')) return false;
  return true;
}

// At least two elements with dots between them.
bool valid_dotted(std::string_view text, Elements rules) {
  if (text.find('.') == std::string_view::npos) return false;
  for (;;) {
    size_t dot = text.find('.');
    if (!valid_element(text.substr(0, dot), rules)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

bool valid_object_path(std::string_view text) {
  if (text == "/") return true;
  if (!text.starts_with('/')) return false;
  text.remove_prefix(1);
  for (;;) {
    size_t slash = text.find('/');
    if (!valid_element(text.substr(0, slash), {.leading_digits = true})) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool valid_bus_name(std::string_view text) {
  if (text.size() > kMaxName) return false;
  if (text.starts_with(':')) return valid_dotted(text.substr(1), {.hyphens = true, .leading_digits = true});
  return valid_dotted(text, {.hyphens = true});
}

bool valid_interface(std::string_view text) { return text.size() <= kMaxName && valid_dotted(text, {}); }

bool valid_member(std::string_view text) { return text.size() <= kMaxName && valid_element(text, {}); }

}  // namespace dt::dbus
