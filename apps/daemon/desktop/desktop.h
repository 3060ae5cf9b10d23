// The desktop of a sandbox: an X server, a session, accessibility, VNC and noVNC, started in order and kept
// running (toolbox.md §21.2, §21.3). One per daemon, loop thread only.
//
// Beside them it starts a session bus of its own, unless the sandbox's environment names one, and puts
// DISPLAY and DBUS_SESSION_BUS_ADDRESS into the environment that later commands and companions inherit.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/desktop/programs.h"
#include "apps/daemon/desktop/supervised.h"

namespace dt::daemon::desktop {

struct Times {
  Millis restart{5000};     // from the end of a program to its next start
  Millis ready{20'000};     // for a program to serve after its start, on a busy machine
  Millis look{50};          // between two looks whether it does
  Millis probe{100};        // of the accessibility bus, for a status
  Millis probe_kept{2000};  // how long its answer is good
};

struct ProcessStatus {
  const Part* part;
  bool running = false;      // supervised, also in the pause before a restart
  std::optional<pid_t> pid;  // none while it does not run, and for atspi
};

class Desktop {
 public:
  Desktop(ProcessContext& process, WorkerPool& files, Times times);
  ~Desktop();
  Desktop(const Desktop&) = delete;

  // Is called with DISPLAY and, when there is a bus, DBUS_SESSION_BUS_ADDRESS after they may have changed.
  std::function<void(std::map<std::string, std::string>)> variables_changed;

  // Starts what does not run, and returns when it serves. Fails with unavailable and the contract's text when
  // something that is required does not run then; what does is left running.
  Task<Status> start();
  // Ends everything, with all that was started from it.
  Task<void> stop();
  // Restarts one, or starts it; goes on in the background. A new X server takes what lives on it along. Fails
  // with not_found, and with unavailable when its program is not installed.
  Task<Status> restart(std::string name);
  // At the end of the daemon: nothing is restarted any more.
  void shutdown();

  Task<std::vector<ProcessStatus>> statuses();
  Task<Result<ProcessStatus>> status(std::string name);
  std::string_view overall() const;  // "active", "partial" or "inactive"
  // What it wrote since the sandbox exists, to standard output or to standard error (outputs.h).
  enum class Output { log, errors };
  Task<Result<std::string>> output(std::string name, Output which);

 private:
  class Turn;
  struct Plan;
  bool known(const Part& part) const;
  Supervised& process(const Part& part) const;
  Task<Plan> plan();
  Task<void> start_bus(Plan& plan);
  Task<void> start_part(const Part& part, Plan& plan);
  Task<bool> serves(const Part& part, const Settings& settings, Mono deadline);
  Task<bool> wait_ready(const Part& part, const Settings& settings);
  Status verdict(const Plan& plan, const std::vector<std::string_view>& serving) const;
  Task<ProcessStatus> status_of(const Part& part);
  Task<void> restart_now(const Part& part);
  Task<bool> accessibility_runs();
  void publish(const Settings& settings);
  void withdraw();
  std::string session_bus() const;
  void tell(const std::string& display);

  ProcessContext& context_;
  WorkerPool& files_;
  Times times_;
  std::map<std::string_view, std::unique_ptr<Supervised>> processes_;
  std::unique_ptr<Supervised> bus_;
  std::string bus_address_;  // of ours, while it runs; empty when the environment named another one
  bool display_is_ours_ = false;
  bool accessibility_installed_ = false;
  bool turn_taken_ = false;
  Event turn_free_;
  Mono probed_{};
  bool probe_answer_ = false;
  TaskScope scope_{"desktop"};
};

}  // namespace dt::daemon::desktop
