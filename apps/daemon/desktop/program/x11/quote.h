// Text in messages, quoted as the contract's texts are (Go's %q): "a", "\t", "\x01", "é".
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dt::desktop {

std::string quote(std::string_view text);
std::string code_point_name(char32_t c);  // U+000B

// The code points of valid UTF-8; a byte that is none of it counts as U+FFFD.
std::u32string code_points(std::string_view text);
bool is_space(char32_t c);    // Unicode's White_Space
bool is_control(char32_t c);  // category Cc

}  // namespace dt::desktop
