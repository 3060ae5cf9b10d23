// All language servers of the sandbox, by language and project. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "apps/daemon/lsp/workspace.h"

namespace dt::daemon::lsp {

class Workspaces {
 public:
  // Both must outlive it.
  Workspaces(ProcessContext& process, WorkerPool& pool) : process_(process), pool_(pool), tasks_("lsp") {}

  // Fails with bad_request for an unknown language, internal when no server starts.
  Task<Status> start(std::string language, std::string project);
  // Fails with internal when there is none: so says the contract.
  Task<Status> stop(std::string language, std::string project);
  // Fails with bad_request LSP_SERVER_NOT_INITIALIZED.
  Result<std::shared_ptr<Workspace>> find(const std::string& language, const std::string& project) const;
  // Kills all servers; calls that wait fail. Nothing is started from then on.
  void shutdown();
  Task<void> join() { return tasks_.join(); }  // until their processes are gone; after shutdown()

 private:
  using Key = std::pair<std::string, std::string>;  // language, absolute path
  Key key(const std::string& language, const std::string& project) const;
  ProcessContext& process_;
  WorkerPool& pool_;
  TaskScope tasks_;
  std::map<Key, std::shared_ptr<Workspace>> workspaces_;
  bool stopping_ = false;
};

}  // namespace dt::daemon::lsp
