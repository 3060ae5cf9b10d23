// Patterns of file names: '*', '?', "[a-z]", "[^a-z]", backslash.
#pragma once
#include <string_view>

namespace dt::daemon {

// The whole name must match. A malformed pattern matches nothing. Takes at most pattern × name steps.
bool glob_match(std::string_view pattern, std::string_view name);
bool glob_well_formed(std::string_view pattern);

}  // namespace dt::daemon
