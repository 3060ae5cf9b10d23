#include "apps/daemon/lsp/workspaces.h"

namespace dt::daemon::lsp {

Workspaces::Key Workspaces::key(const std::string& language, const std::string& project) const {
  return {language, absolute_path(project, process_.work_dir)};
}

Task<Status> Workspaces::start(std::string language, std::string project) {
  const Language* found = find_language(language);
  if (!found)
    co_return fail(Code::bad_request,
                   "unsupported language: " + language + "; take one of " + known_languages());
  if (stopping_) co_return fail(Code::unavailable, "the sandbox is stopping");
  std::shared_ptr<Workspace>& place = workspaces_[key(language, project)];
  if (!place) place = std::make_shared<Workspace>(Services{process_, pool_, tasks_}, *found, project);
  std::shared_ptr<Workspace> workspace = place;
  Status started = co_await workspace->start();
  if (!started && !workspace->was_ready()) {
    auto it = workspaces_.find(key(language, project));
    if (it != workspaces_.end() && it->second == workspace) workspaces_.erase(it);
  }
  co_return started;
}

Task<Status> Workspaces::stop(std::string language, std::string project) {
  auto it = workspaces_.find(key(language, project));
  if (it == workspaces_.end())
    co_return fail(Code::internal, "no language server for " + language + " was started in " + project);
  std::shared_ptr<Workspace> workspace = it->second;
  workspaces_.erase(it);
  co_await workspace->stop();
  co_return Status();
}

Result<std::shared_ptr<Workspace>> Workspaces::find(const std::string& language,
                                                    const std::string& project) const {
  if (auto it = workspaces_.find(key(language, project)); it != workspaces_.end()) return it->second;
  if (!find_language(language))
    return fail(Code::bad_request,
                "unsupported language: " + language + "; take one of " + known_languages());
  return fail(Code::bad_request,
              "no language server for " + language + " was started in " + project + "; start it first",
              "LSP_SERVER_NOT_INITIALIZED");
}

void Workspaces::shutdown() {
  stopping_ = true;
  for (auto& [key, workspace] : workspaces_) workspace->kill();
}

}  // namespace dt::daemon::lsp
