// Durations as texts of the environment: "5s", "100ms", "1.5h", "1m30s" (h, m, s, ms, us, ns; "0").
#pragma once
#include <optional>
#include <string_view>

#include "libs/base/clock.h"

namespace dt::daemon {

std::optional<Millis> parse_duration(std::string_view text);  // not negative; fractions of a ms are dropped

}  // namespace dt::daemon
