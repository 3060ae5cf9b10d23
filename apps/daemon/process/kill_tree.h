// Ends a program with everything that belongs to it, for time-outs.
#pragma once
#include <sys/types.h>

namespace dt::daemon {

// SIGKILL to the process group `leader` and to every descendant that can be found through /proc, also those
// that made a group or session of their own. The leader must not have been reaped yet. Not found: processes
// whose parent ended before (daemons that the program started on purpose).
void kill_tree(pid_t leader);

}  // namespace dt::daemon
