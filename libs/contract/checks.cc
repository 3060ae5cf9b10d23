#include "libs/contract/checks.h"

#include <fmt/core.h>

#include <array>

namespace dt::contract {
namespace {

constexpr std::array<std::string_view, 16> kForbidden = {
    "http://", "https://", "ftp://",   "ftps://",     "sftp://", "ssh://",  "ws://", "wss://",
    "file://", "ldap://",  "ldaps://", "javascript:", "data:",   "mailto:", "tel:",  "www."};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_forbidden_control(unsigned char c) {
  return c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r');
}

}  // namespace

bool is_display_string(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_forbidden_control(static_cast<unsigned char>(text[i]))) return false;
    if (text[i] == '<' && i + 1 < text.size() && (is_letter(text[i + 1]) || text[i + 1] == '/')) return false;
  }
  std::string small = lower(text);
  for (std::string_view part : kForbidden)
    if (small.find(part) != std::string::npos) return false;
  return true;
}

void check_display_string(std::string_view field, const std::optional<std::string>& value, Violations& violations) {
  if (value && !is_display_string(*value))
    violations.add(fmt::format("{} must not contain HTML tags, URLs, or control characters", field));
}

void check_min(std::string_view field, const std::optional<int64_t>& value, int64_t min, Violations& violations) {
  if (value && *value < min) violations.add(fmt::format("{} must not be less than {}", field, min));
}

void check_max(std::string_view field, const std::optional<int64_t>& value, int64_t max, Violations& violations) {
  if (value && *value > max) violations.add(fmt::format("{} must not be greater than {}", field, max));
}

}  // namespace dt::contract
