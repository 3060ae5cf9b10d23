// All contexts of the sandbox. The default context is made with its first use, so that an idle sandbox has no
// Python running; it is not listed and cannot be deleted. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/interpreter/context.h"

namespace dt::daemon::interpreter {

class Contexts {
 public:
  explicit Contexts(ProcessContext& process) : process_(process), tasks_("interpreter") {}

  // With a running process. A relative directory is below the work dir, an empty one is the work dir.
  Result<std::shared_ptr<Context>> create(const std::string& cwd);
  std::vector<std::shared_ptr<Context>> list() const;  // oldest first
  // Answers when its process is gone. not_found, or bad_request for the default context.
  Task<Status> remove(std::string id);
  // Queues the run. The error, if any, is what the client's connection is closed with.
  std::optional<CloseFrame> submit(std::shared_ptr<Run> run);
  // Ends every run, so that connections close; processes are ended by the daemon.
  void shutdown();

 private:
  Result<std::shared_ptr<Context>> default_context();
  ProcessContext& process_;
  TaskScope tasks_;
  std::map<std::string, std::shared_ptr<Context>> contexts_;
  std::shared_ptr<Context> default_;
};

}  // namespace dt::daemon::interpreter
