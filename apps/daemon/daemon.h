// The toolbox daemon as a library: main() and the tests start the same thing. One per process, because it
// reaps every child of the process.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "libs/base/fd.h"
#include "libs/net/stream.h"

namespace dt::daemon {

struct Config {
  const char* const* environment = nullptr;  // for commands; HOME and PATH of it are used
  std::vector<std::string> entrypoint;       // empty: none
  Fd ready;                                  // gets one byte when requests are served; may be empty
  Millis drain_time{5000};                   // after SIGTERM, for running requests
  Millis kill_time{1000};                    // after that, for children to follow their SIGTERM
  Millis session_grace{5000};                // deleting a session: from SIGTERM to SIGKILL
  Millis session_check{100};                 // and how often is looked whether everything ended
  std::string session_shell;                 // instead of the sandbox's own choice
  Millis desktop_idle{300'000};              // computer use without requests: its processes end
  Millis desktop_restart{5000};              // from the end of a program of the desktop to its next start
  Millis desktop_ready{20'000};              // for such a program to serve after its start
  bool init = false;                         // PID 1: at the end every process is signalled
};

class Daemon {
 public:
  // Takes the current directory as work dir. On the thread that will run the loop, before other threads
  // start.
  explicit Daemon(Config config);
  ~Daemon();
  // Serves until stop(), then shuts down in order.
  Task<void> run(std::vector<Listener> listeners);
  void stop();
  size_t children() const;  // commands that are running

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::daemon
