// Failures of accessibility (toolbox §21.7). The beginnings of the texts, the codes and the statuses are the
// contract's.
#pragma once
#include "libs/base/error.h"

namespace dt::desktop::a11y {

Error unreachable(std::string_view why);
Error node_not_found(std::string_view why);
Error no_root(std::string_view why);
Error not_supported(std::string_view why);
Error invalid_scope(std::string_view why);
Error invalid_request(std::string_view why);
Error internal(std::string_view why);

// What a failed call over D-Bus to a node means. `what` was tried, for people: "focus".
Error call_error(const Error& error, std::string_view what);

}  // namespace dt::desktop::a11y
