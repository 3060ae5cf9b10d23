// The sandbox's own command (argv of the daemon): runs in the shell from the start, its output goes to a file
// below $HOME.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"

namespace dt::daemon {

// The words quoted for the shell and joined by spaces.
std::string entrypoint_script(const std::vector<std::string>& words);

class Entrypoint {
 public:
  // Starts it; the file is $HOME/.daytona/sessions/entrypoint/entrypoint_command/output.log, emptied first.
  static Result<std::unique_ptr<Entrypoint>> start(ProcessContext& context,
                                                   const std::vector<std::string>& words,
                                                   const std::string& home);
  Child& child() { return child_; }

 private:
  Entrypoint(Reaper& reaper, pid_t pid) : child_(reaper, pid) {}
  Child child_;
};

}  // namespace dt::daemon
