#include "apps/daemon/desktop/program/x11/quote.h"

#include <fmt/core.h>

namespace dt::desktop {
namespace {

// The code point at the start of `text` and how many bytes it has.
std::pair<char32_t, size_t> first_code_point(std::string_view text) {
  auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || size > text.size()) return {0xfffd, 1};
  char32_t c = lead & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0xfffd, 1};
    c = c << 6 | (byte(i) & 0x3f);
  }
  return {c, size};
}

// White space other than ' ' and what has no shape of its own.
bool invisible(char32_t c) {
  return is_control(c) || (is_space(c) && c != ' ') || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

std::string escape(char32_t c) {
  constexpr std::string_view kLetters = "abtnvfr";  // from 7
  if (c >= 7 && c <= 13) return std::string("\\") + kLetters[c - 7];
  if (c < 0x80) return fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
  return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    auto [c, size] = first_code_point(text);
    if (c == '"' || c == '\\') out += '\\';
    out += invisible(c) ? escape(c) : std::string(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out + "\"";
}

std::string code_point_name(char32_t c) { return fmt::format("U+{:04X}", static_cast<uint32_t>(c)); }

std::u32string code_points(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    auto [c, size] = first_code_point(text);
    out += c;
    text.remove_prefix(size);
  }
  return out;
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

}  // namespace dt::desktop
