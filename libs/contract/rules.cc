#include "libs/contract/rules.h"

#include <array>

namespace dt::contract {

namespace {
constexpr std::array<std::string_view, 16> kUrlMarks = {
    "http://", "https://", "ftp://",   "ftps://",     "sftp://", "ssh://",  "ws://", "wss://",
    "file://", "ldap://",  "ldaps://", "javascript:", "data:",   "mailto:", "tel:",  "www."};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool opens_tag(std::string_view text) {
  for (size_t i = 0; i + 1 < text.size(); ++i)
    if (text[i] == '<' && (is_letter(text[i + 1]) || text[i + 1] == '/')) return true;
  return false;
}

bool has_control(std::string_view text) {
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\t' && c != '\n' && c != '\r') || u == 0x7f) return true;
  }
  return false;
}
}  // namespace

bool is_display_string(std::string_view text) {
  if (opens_tag(text) || has_control(text)) return false;
  std::string folded = lower(text);
  for (std::string_view mark : kUrlMarks)
    if (folded.find(mark) != std::string::npos) return false;
  return true;
}

void check_display_string(std::string_view property, std::string_view text, Violations& violations) {
  if (!is_display_string(text))
    violations.add(std::string(property) + " must not contain HTML tags, URLs, or control characters");
}

std::string without_trailing_slashes(std::string text) {
  while (!text.empty() && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace dt::contract
