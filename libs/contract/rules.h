// Rules of bodies that several features share (contract api-core §4.3).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "libs/codec/codec.h"

namespace dt::contract {

// Names and descriptions people see: no HTML tags, URLs or control characters.
bool is_display_string(std::string_view text);
void check_display_string(std::string_view property, std::string_view text, Violations& violations);
// "…/v1//" -> "…/v1"
std::string without_trailing_slashes(std::string text);

}  // namespace dt::contract
