// One program that is kept running: started with its output appended to two files, started again some time
// after it ended, and ended with everything that it started. Loop thread only; the files are opened by a
// worker.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"

namespace dt::daemon::desktop {

struct Program {
  std::string path;
  std::vector<std::string> arguments;       // without argv[0]
  std::map<std::string, std::string> envs;  // beside the sandbox's own
  std::string cwd;                          // empty: the daemon's
  std::string log_path, error_path;         // standard output and standard error are appended there
  bool auto_restart = true;
};

class Supervised {
 public:
  struct Times {
    Millis restart{5000};  // from an end to the next start
    Millis grace{2000};    // from SIGTERM to SIGKILL
  };
  Supervised(ProcessContext& process, WorkerPool& files, Times times)
      : process_(process), files_(files), times_(times) {}
  // Its program is left alone, but not restarted.
  ~Supervised();
  Supervised(const Supervised&) = delete;

  // Returns when the program was started, or could not be: then that is in its error file and it is tried
  // again. Nothing happens when it is supervised already.
  Task<void> start(Program program);
  // Ends the program and whatever it started, wherever that went. Returns when it is gone.
  Task<void> stop();
  // Forgets the program without ending it, for the end of the daemon.
  void abandon();

  bool supervised() const { return supervised_; }  // also in the pause before a restart
  std::optional<pid_t> pid() const { return child_ ? std::optional(child_->pid()) : std::nullopt; }
  size_t starts() const { return starts_; }  // since start(); not those that failed
  // Set whenever something of the above changed.
  Event& changed() { return changed_; }

 private:
  struct Outputs;
  Task<void> keep();
  Task<void> run_once();
  Task<void> end_tree(Mark mark);
  Result<pid_t> spawn(const Outputs& outputs, Mark mark);
  Result<Outputs> open_outputs() const;

  ProcessContext& process_;
  WorkerPool& files_;
  Times times_;
  Program program_;
  bool supervised_ = false;
  bool abandoned_ = false;
  size_t starts_ = 0;
  std::optional<Child> child_;
  Event stopping_;  // also when abandoned
  Event tried_;     // the first start of the program
  Event ended_;
  Event wake_;  // the program ended, or it shall
  Event changed_;
  TaskScope scope_{"supervised"};
};

}  // namespace dt::daemon::desktop
