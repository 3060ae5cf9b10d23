// Empties a pipe that nobody reads for an answer any more, until its last writer is gone: without a reader
// SIGPIPE would end background processes that go on writing.
#pragma once
#include "libs/base/fd.h"
#include "libs/net/loop.h"

namespace dt::daemon {

Task<void> discard_rest(Fd pipe);  // non-blocking

}  // namespace dt::daemon
