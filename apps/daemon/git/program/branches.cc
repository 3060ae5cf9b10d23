// Branches and checkout.
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "libs/codec/json.h"

namespace dt::git {
namespace {

// HEAD follows only when the files are there.
Status check_out_branch(git_repository* repository, git_reference* branch) {
  Object commit;
  TRY_GIT(git_reference_peel(commit.out(), branch, GIT_OBJECT_COMMIT));
  TRY_VOID(switch_files(repository, commit, nullptr));
  TRY_GIT(git_repository_set_head(repository, git_reference_name(branch)));
  return {};
}

Status check_out_commit(git_repository* repository, git_object* commit) {
  TRY_VOID(switch_files(repository, commit, nullptr));
  TRY_GIT(git_repository_set_head_detached(repository, git_object_id(commit)));
  return {};
}

// A new branch would be checked out without them being part of it: the contract refuses that.
Status refuse_unstaged_changes(git_repository* repository) {
  Handle<git_diff, git_diff_free> diff;
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.ignore_submodules = GIT_SUBMODULE_IGNORE_ALL;
  options.flags = GIT_DIFF_UPDATE_INDEX;
  TRY_GIT(git_diff_index_to_workdir(diff.out(), repository, nullptr, &options));
  if (git_diff_num_deltas(diff) == 0) return {};
  return conflict("worktree contains unstaged changes: add and commit, or restore them first",
                  kDirtyWorktree);
}

}  // namespace

Status list_branches(JsonBody& body, Answer& answer) {
  TRY(Repository repository, open_repository(body.text("path")));
  TRY(Head head, read_head(repository));
  BranchIterator iterator;
  TRY_GIT(git_branch_iterator_new(iterator.out(), repository, GIT_BRANCH_LOCAL));
  std::string& out = answer.body();
  out += "{\"branches\":[";
  for (bool first = true;; first = false) {
    Reference branch;
    git_branch_t type;
    int code = git_branch_next(branch.out(), &type, iterator);
    if (code == GIT_ITEROVER) break;
    TRY_GIT(code);
    if (!first) out += ',';
    out += json::quote(git_reference_shorthand(branch));
  }
  out += ']';
  if (!head.branch.empty()) out += ",\"current\":" + json::quote(head.branch);
  out += '}';
  return {};
}

Status create_branch(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), name = body.required_text("name");
  TRY_VOID(body.status());
  TRY_VOID(check_branch_name(name));
  TRY(Repository repository, open_worktree(path));
  TRY_VOID(lock(repository));
  TRY(Commit commit, head_commit(repository));
  TRY_VOID(refuse_unstaged_changes(repository));
  Reference branch;
  int code = git_branch_create(branch.out(), repository, name.c_str(), commit, 0);
  if (code == GIT_EEXISTS)
    return conflict("a branch named \"refs/heads/" + name + "\" already exists", kBranchExists);
  TRY_GIT(code);
  TRY_GIT(git_repository_set_head(repository, git_reference_name(branch)));  // the same commit: files stay
  return {};
}

Status delete_branch(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), name = body.required_text("name");
  TRY_VOID(body.status());
  TRY(Repository repository, open_repository(path));
  TRY(Reference branch, find_branch(repository, name));
  if (git_branch_is_head(branch) == 1)
    return conflict("branch " + name + " is checked out: check out another one first");
  TRY_GIT(git_branch_delete(branch));
  return {};
}

Status checkout(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), name = body.required_text("branch");
  TRY_VOID(body.status());
  TRY(Repository repository, open_worktree(path));
  TRY_VOID(lock(repository));
  if (auto branch = find_branch(repository, name)) return check_out_branch(repository, *branch);
  auto commit = find_commit(repository, name);
  if (!commit)
    return not_found("branch not found: " + name + " is no branch, tag or commit here", kBranchNotFound);
  return check_out_commit(repository, *commit);
}

}  // namespace dt::git
