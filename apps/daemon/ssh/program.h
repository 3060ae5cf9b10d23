// The program that serves SSH connections lies in our own executable, in a section that is not loaded: it
// costs neither memory nor start time until somebody connects (see README.md).
#pragma once
#include "libs/base/fd.h"

namespace dt::daemon {

// A copy in memory, sealed, to be executed through /proc/self/fd. Blocks for some milliseconds.
Result<Fd> ssh_program();

}  // namespace dt::daemon
