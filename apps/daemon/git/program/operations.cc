#include "apps/daemon/git/program/operations.h"

#include <array>

namespace dt::git {
namespace {

constexpr bool kTalksToServers = true;

constexpr std::array kOperations = {
    Operation{"clone", clone, kTalksToServers},
    Operation{"init", init},
    Operation{"status", status},
    Operation{"history", history},
    Operation{"list-branches", list_branches},
    Operation{"create-branch", create_branch},
    Operation{"delete-branch", delete_branch},
    Operation{"checkout", checkout},
    Operation{"add", add},
    Operation{"commit", commit},
    Operation{"reset", reset},
    Operation{"restore", restore},
    Operation{"push", push, kTalksToServers},
    Operation{"pull", pull, kTalksToServers},
    Operation{"list-remotes", list_remotes},
    Operation{"add-remote", add_remote, kTalksToServers},
    Operation{"get-config", get_config},
    Operation{"set-config", set_config},
    Operation{"set-user", set_user},
    Operation{"store-credentials", store_credentials},
};

}  // namespace

const Operation* find_operation(std::string_view name) {
  for (const Operation& operation : kOperations)
    if (operation.name == name) return &operation;
  return nullptr;
}

}  // namespace dt::git
