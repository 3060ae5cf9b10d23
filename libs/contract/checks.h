// Rules of the contract that several bodies share (api-core §4.3).
#pragma once
#include <string_view>

#include "libs/codec/codec.h"

namespace dt::contract {

// No HTML tag, no URL scheme, no control character other than tab, LF, CR.
bool is_display_string(std::string_view text);
void check_display_string(std::string_view field, const std::optional<std::string>& value, Violations& violations);
void check_min(std::string_view field, const std::optional<int64_t>& value, int64_t min, Violations& violations);
void check_max(std::string_view field, const std::optional<int64_t>& value, int64_t max, Violations& violations);

}  // namespace dt::contract
