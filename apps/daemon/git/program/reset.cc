// POST /git/reset, with the modes of `git reset`.
#include <vector>

#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/paths.h"
#include "apps/daemon/git/program/repository.h"
#include "apps/daemon/git/program/way.h"

namespace dt::git {
namespace {

Status move_head(git_repository* repository, git_object* target, git_reset_t mode) {
  TRY_GIT(git_reset(repository, target, mode, nullptr));
  return {};
}

// What the index has, as a tree. Files of an unfinished merge are left out and named in `unmerged`.
Result<Tree> index_tree(git_repository* repository, std::vector<std::string>& unmerged) {
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  for (size_t i = 0; i < git_index_entrycount(index); ++i) {
    const git_index_entry* entry = git_index_get_byindex(index, i);
    if (git_index_entry_is_conflict(entry) && (unmerged.empty() || unmerged.back() != entry->path))
      unmerged.emplace_back(entry->path);
  }
  TRY_GIT(git_index_conflict_cleanup(index));  // in memory only
  git_oid id;
  TRY_GIT(git_index_write_tree(&id, index));
  TRY_GIT(git_index_read(index, 1));
  Tree tree;
  TRY_GIT(git_tree_lookup(tree.out(), repository, &id));
  return tree;
}

Status overwrite_files(git_repository* repository, const git_object* target,
                       const std::vector<std::string>& files) {
  if (files.empty()) return {};
  StringArray paths(files);
  git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
  options.checkout_strategy = GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH;
  options.paths = paths.get();
  TRY_GIT(git_checkout_tree(repository, target, &options));
  return {};
}

// Changes that are staged are dropped, those that are not are kept; a file that has both is refused.
Status reset_merge(git_repository* repository, git_object* target) {
  std::vector<std::string> unmerged;
  TRY(Tree staged, index_tree(repository, unmerged));
  TRY_VOID(overwrite_files(repository, target, unmerged));
  TRY_VOID(switch_files(repository, target, staged));
  return move_head(repository, target, GIT_RESET_MIXED);
}

// All local changes are kept; refused where they are in files that differ between HEAD and the target.
Status reset_keep(git_repository* repository, git_object* target) {
  TRY_VOID(switch_files(repository, target, nullptr));
  return move_head(repository, target, GIT_RESET_MIXED);
}

Status reset_files(git_repository* repository, git_object* target, const std::vector<std::string>& files) {
  std::string root = git_repository_workdir(repository);
  std::vector<std::string> inside;
  for (const std::string& file : files) {
    TRY(std::string path, path_in_worktree(root, file));
    inside.push_back(path.empty() ? "*" : std::move(path));
  }
  StringArray paths(inside);
  TRY_GIT(git_reset_default(repository, target, &paths));
  return {};
}

// Before the first commit HEAD is nothing, and so is the index after a reset to it.
Status reset_unborn(git_repository* repository, const std::string& mode) {
  if (mode == "soft") return {};
  if (mode != "mixed") return not_found("reference not found: the repository has no commits yet");
  Index index;
  TRY_GIT(git_repository_index(index.out(), repository));
  TRY_GIT(git_index_clear(index));
  TRY_GIT(git_index_write(index));
  return {};
}

Status reset_all(git_repository* repository, git_object* target, const std::string& mode) {
  if (mode == "soft") return move_head(repository, target, GIT_RESET_SOFT);
  if (mode == "mixed") return move_head(repository, target, GIT_RESET_MIXED);
  if (mode == "hard") {
    TRY_VOID(clear_the_way(repository, target, nullptr));
    return move_head(repository, target, GIT_RESET_HARD);
  }
  return mode == "merge" ? reset_merge(repository, target) : reset_keep(repository, target);
}

Status check_mode(const std::string& mode, bool files) {
  for (std::string_view known : {"soft", "mixed", "hard", "merge", "keep"}) {
    if (mode != known) continue;
    if (files && mode != "mixed") return bad_request("mode " + mode + " resets everything: leave out files");
    return {};
  }
  return bad_request("unknown mode '" + mode + "': use soft, mixed, hard, merge or keep");
}

}  // namespace

Status reset(JsonBody& body, Answer&) {
  std::string path = body.required_text("path"), mode = body.text("mode"), target = body.text("target");
  auto files = body.list("files").value_or(std::vector<std::string>());
  TRY_VOID(body.status());
  if (mode.empty()) mode = "mixed";
  TRY_VOID(check_mode(mode, !files.empty()));
  TRY(Repository repository, open_worktree(path));
  TRY_VOID(lock(repository));
  TRY(Head head, read_head(repository));
  if (head.unborn && (target.empty() || target == "HEAD"))
    return files.empty() ? reset_unborn(repository, mode) : reset_files(repository, nullptr, files);
  TRY(Object commit, find_commit(repository, target.empty() ? "HEAD" : target));
  return files.empty() ? reset_all(repository, commit, mode) : reset_files(repository, commit, files);
}

}  // namespace dt::git
