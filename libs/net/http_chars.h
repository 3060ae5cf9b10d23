// Character classes of RFC 9110.
#pragma once
#include <array>
#include <string_view>

namespace dt::detail {

inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = table[static_cast<size_t>(c - 32)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<size_t>(c)] = true;
  return table;
}();

inline bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }
inline bool is_token(std::string_view text) {
  for (char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}
// Visible characters, space, tab and bytes >= 0x80.
inline bool is_field_value_char(char c) {
  auto u = static_cast<unsigned char>(c);
  return u == '\t' || (u >= 0x20 && u != 0x7f);
}

}  // namespace dt::detail
