// Small text helpers. All are allocation-honest and locale-free.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt {

std::vector<std::string_view> split(std::string_view text, char sep);  // "a,,b" -> a, "", b; "" -> {""}
std::string_view trim(std::string_view text);                          // spaces, tabs, CR, LF
std::string lower(std::string_view text);                              // ASCII
bool iequals(std::string_view a, std::string_view b);                  // ASCII, case-insensitive
bool istarts_with(std::string_view text, std::string_view prefix);
std::string join(const std::vector<std::string>& parts, std::string_view sep);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

std::optional<int64_t> parse_int(
    std::string_view text);  // whole text, optional leading '-'; overflow -> nullopt
std::optional<double> parse_double(std::string_view text);  // whole text

std::string percent_encode(std::string_view text);  // RFC 3986 unreserved kept
// Malformed escapes ("%", "%zz") fail. `plus_is_space` for query strings.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view hex);
std::string base64_encode(std::string_view bytes);
std::string base64url_encode(std::string_view bytes);             // no padding
std::optional<std::string> base64_decode(std::string_view text);  // both alphabets, padding optional

std::string shell_quote(std::string_view word);  // 'it'\''s'
bool valid_utf8(std::string_view text);
std::string replace_invalid_utf8(std::string_view text);  // each invalid byte becomes U+FFFD
bool is_uuid(std::string_view text);                      // 8-4-4-4-12 hex digits, any case

// Time in constant time for equal lengths; for secrets.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace dt
