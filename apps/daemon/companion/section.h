// A companion lies in our own executable as the bytes of a section that is not loaded: it costs neither
// memory nor start time until it is used (README.md).
#pragma once
#include "libs/base/fd.h"

namespace dt::daemon {

// A copy of the program in this section, in memory, sealed, to be executed through /proc/self/fd. Blocks for
// some milliseconds. `name` is what the kernel shows for it.
Result<Fd> unpack_section(const char* section, const char* name);

}  // namespace dt::daemon
