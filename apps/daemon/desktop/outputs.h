// The files that programs of the desktop write to.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::daemon::desktop {

// The whole file, or the end of one that is larger than 16 MiB, as valid UTF-8. Blocks.
Result<std::string> read_output(const std::string& path);

}  // namespace dt::daemon::desktop
