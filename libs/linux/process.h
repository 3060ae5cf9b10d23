// Processes as the kernel sees them: clone3, pidfds and what /proc/<pid>/stat tells. No policy.
// A pid alone never identifies a process (pids are used again): keep a pidfd, or the pid with its start time.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/fd.h"

namespace dt::linux_ {

struct CloneOptions {
  uint64_t flags = 0;    // CLONE_NEW…
  int into_cgroup = -1;  // borrowed descriptor of a cgroup v2 directory: the child starts there
  int exit_signal = 17;  // SIGCHLD
};
struct Cloned {
  pid_t pid = 0;  // 0 in the child
  Fd pidfd;       // in the parent
};
// fork() with namespaces. Only for single-threaded processes: the child continues on a copy of the caller's
// stack.
Result<Cloned> clone_process(const CloneOptions& options);

Result<Fd> pidfd_open(pid_t pid);
Result<pid_t> pidfd_pid(int pidfd);          // as seen from here; not_found when it has ended
Status pidfd_signal(int pidfd, int signal);  // a process that is gone is no error
// True when the process has ended; false when `deadline` passed first. Works for processes that are not our
// children.
Result<bool> pidfd_wait(int pidfd, Mono deadline);

struct ProcStat {
  char state = '?';
  pid_t parent = 0;
  uint64_t start_time = 0;  // clock ticks since boot: field 22
};
Result<ProcStat> proc_stat(pid_t pid);
// The namespace file /proc/<pid>/ns/<name>, e.g. "net".
Result<Fd> namespace_of(pid_t pid, const char* name);
Status enter_namespace(int nsfd, int type);  // setns; type is one CLONE_NEW… or 0

int millis_until(Mono deadline);  // for poll(2): -1 for kNever, never negative otherwise

}  // namespace dt::linux_
