#include "apps/daemon/files/glob.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace dt::daemon {
namespace {

constexpr char32_t kInvalid = 0x110000;  // plus the byte: text that is not UTF-8 matches itself

size_t length_of(unsigned char lead) {
  if (lead >= 0xF0) return lead < 0xF5 ? 4 : 1;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC2 ? 2 : 1;
}

// One character at `at`, which moves behind it.
char32_t next_character(std::string_view text, size_t& at) {
  auto lead = static_cast<unsigned char>(text[at]);
  size_t length = length_of(lead);
  char32_t value = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    unsigned char more = at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
    if ((more & 0xC0) != 0x80) length = 0;
    value = (value << 6) | (more & 0x3FU);
  }
  if (length == 0 || (length == 1 && lead >= 0x80)) {
    length = 1;
    value = kInvalid + lead;
  }
  at += length;
  return value;
}

// One end of a range in a bracket expression.
std::optional<char32_t> range_end(std::string_view pattern, size_t& p) {
  if (p >= pattern.size() || pattern[p] == '-' || pattern[p] == ']') return std::nullopt;
  if (pattern[p] == '\\' && ++p >= pattern.size()) return std::nullopt;
  return next_character(pattern, p);
}

// A bracket expression at `p` behind its '['; moves behind the ']'. nullopt: malformed.
std::optional<bool> match_class(std::string_view pattern, size_t& p, char32_t c) {
  bool negated = p < pattern.size() && pattern[p] == '^';
  if (negated) ++p;
  bool hit = false;
  for (bool first = true; first || p >= pattern.size() || pattern[p] != ']'; first = false) {
    auto low = range_end(pattern, p);
    if (!low) return std::nullopt;
    auto high = low;
    if (p < pattern.size() && pattern[p] == '-') high = range_end(pattern, ++p);
    if (!high) return std::nullopt;
    if (*low <= c && c <= *high) hit = true;
  }
  ++p;
  return hit != negated;
}

// One pattern element that is no star against one character; moves behind the element. nullopt: malformed.
std::optional<bool> match_one(std::string_view pattern, size_t& p, char32_t c) {
  switch (pattern[p]) {
    case '?':
      ++p;
      return c != '/';
    case '[':
      ++p;
      return match_class(pattern, p, c);
    case '\\':
      if (++p >= pattern.size()) return std::nullopt;
      break;
    default:
      break;
  }
  return next_character(pattern, p) == c;
}

}  // namespace

bool glob_well_formed(std::string_view pattern) {
  for (size_t p = 0; p < pattern.size();) {
    if (pattern[p] == '*')
      ++p;
    else if (!match_one(pattern, p, 'x'))
      return false;
  }
  return true;
}

bool glob_match(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = n;
      continue;
    }
    size_t next = p, behind = n;
    if (p < pattern.size() && match_one(pattern, next, next_character(name, behind)).value_or(false)) {
      p = next;
      n = behind;
      continue;
    }
    if (star == std::string_view::npos || name[retry] == '/') return false;
    p = star;
    next_character(name, retry);
    n = retry;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace dt::daemon
