// Starts a program without copying the daemon: clone(CLONE_VM | CLONE_VFORK) on a stack kept for it, with
// everything prepared beforehand. The caller's thread waits until the program image is replaced. Loop thread
// only. The child gets default signals, an own process group or session and no descriptors besides 0, 1
// and 2.
#pragma once
#include <sys/types.h>

#include "libs/base/error.h"

namespace dt::daemon {

struct SpawnRequest {
  const char* program;  // path, not searched
  char* const* argv;
  char* const* envp;
  const char* cwd = nullptr;  // null: the daemon's
  int stdin_fd = -1;          // borrowed; must be 3 or more
  int stdout_fd = -1;
  int stderr_fd = -1;
  // Of what the child is the leader: a process group in our session, or a session of its own with stdin_fd,
  // which is a terminal, as controlling terminal.
  enum class Leads { group, terminal } leads = Leads::group;
};

class Spawner {
 public:
  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  // The child's pid. The error's message names the step ("fork/exec /bin/sh: no such file or directory").
  Result<pid_t> spawn(const SpawnRequest& request);

 private:
  void* stack_;
  int oom_score_adj_ = 0;  // ours; children go back to 0
};

}  // namespace dt::daemon
