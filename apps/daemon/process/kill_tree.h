// Ends a program with everything that belongs to it, for time-outs and deletions. Loop thread only.
#pragma once
#include <sys/types.h>

#include "apps/daemon/process/mark.h"

namespace dt::daemon {

// SIGKILL to the process group `leader`, to every descendant that can be found through /proc, also those that
// made a group or session of their own, and to every process that carries the mark, also those whose parent
// ended before. The leader must not have been reaped yet.
void kill_tree(pid_t leader, Mark mark = {});

// The same for what a program left behind after its end.
void kill_marked(Mark mark);

}  // namespace dt::daemon
