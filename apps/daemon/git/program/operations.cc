#include "apps/daemon/git/program/operations.h"

#include <array>

namespace dt::git {
namespace {

struct Row {
  std::string_view name;
  Operation operation;
};
constexpr std::array kOperations = {
    Row{"clone", clone},
    Row{"init", init},
    Row{"status", status},
    Row{"history", history},
    Row{"list-branches", list_branches},
    Row{"create-branch", create_branch},
    Row{"delete-branch", delete_branch},
    Row{"checkout", checkout},
    Row{"add", add},
    Row{"commit", commit},
    Row{"reset", reset},
    Row{"restore", restore},
    Row{"push", push},
    Row{"pull", pull},
    Row{"list-remotes", list_remotes},
    Row{"add-remote", add_remote},
    Row{"get-config", get_config},
    Row{"set-config", set_config},
    Row{"set-user", set_user},
    Row{"store-credentials", store_credentials},
};

}  // namespace

Operation find_operation(std::string_view name) {
  for (const Row& row : kOperations)
    if (row.name == name) return row.operation;
  return nullptr;
}

}  // namespace dt::git
