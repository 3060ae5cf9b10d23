// A pseudo-terminal and the program on it: what PTY sessions, the web terminal and SSH shells share. Loop
// thread only. The master is non-blocking and close-on-exec, for Watch or Stream of libs/net: output is read
// from it (EIO is its end: every program has closed the terminal), input is written to it. Nothing of the
// image is needed but a devpts at /dev/pts with /dev/ptmx; the other end is opened through the master,
// whatever its path and owner.
#pragma once
#include <sys/types.h>

#include <cstdint>

#include "apps/daemon/process/spawn.h"
#include "libs/base/fd.h"

namespace dt::daemon {

struct WindowSize {
  uint16_t cols = 80;
  uint16_t rows = 24;
};

class Pty {
 public:
  // UTF-8 line editing is on; otherwise the kernel's defaults.
  static Result<Pty> open(WindowSize size);

  // Starts the program as leader of a new session with the terminal as its controlling one and as descriptors
  // 0, 1 and 2; those of the request are not looked at. Afterwards only programs hold the other end open, so
  // this succeeds once. Make the pid a Child before the loop runs again.
  Result<pid_t> spawn(Spawner& spawner, SpawnRequest request);
  // The foreground programs get SIGWINCH when it changed.
  Status resize(WindowSize size);

  int master() const { return master_.get(); }
  Result<Fd> dup_master() const { return master_.dup(); }
  // The other end, until spawn(): for termios. -1 afterwards.
  int terminal() const { return terminal_.get(); }
  // Moves the master out, e.g. into a Stream; resize() then fails. Closing it hangs the terminal up.
  Fd take_master() { return std::move(master_); }

 private:
  Fd master_;
  Fd terminal_;
};

// For who has taken the master.
Status set_window_size(int master, WindowSize size);

}  // namespace dt::daemon
