// How the end of a terminal's program is told to clients of PTY sessions: close code, JSON reason, control
// frame.
#pragma once
#include <string>

namespace dt::daemon {

struct PtyExit {
  int code = 0;        // -1: ended by a signal; 137: deleted
  std::string reason;  // "" for 0
  int close_code = 1000;

  std::string close_reason() const;   // {"exitCode":130,"exitReason":"Ctrl+C"}
  std::string control_frame() const;  // the same with "type" and "status":"exited"
};

PtyExit pty_exit(int exit_code);

}  // namespace dt::daemon
