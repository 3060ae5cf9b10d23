// Runs a helper program (mkfs, cp) outside the hot path.
#pragma once
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner {
// Waits for it. Failure carries the tail of its error output; a missing program gives `unavailable` and names
// it.
Status run_program(const std::vector<std::string>& argv);
}  // namespace dt::runner
