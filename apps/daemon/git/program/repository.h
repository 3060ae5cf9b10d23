// Opening repositories and finding things in them, by the rules of the toolbox (toolbox.md §17.1).
#pragma once
#include <string>

#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/handle.h"

namespace dt::git {

// Sets libgit2 up for the whole process: memory limits, where certificates are, no ownership check. Call
// once, before anything else.
Status set_up_library();

// `path` itself is the repository (its worktree, or a bare one); there is no search upwards.
Result<Repository> open_repository(const std::string& path);
// The same, but it must have a worktree, which is guarded from then on (worktree_guard.h).
Result<Repository> open_worktree(const std::string& path);

// Waits until no other operation of ours changes this repository, and holds off others until the process
// ends. (Where the file system has no locks, there is none.) Not while the network is waited for.
Status lock(git_repository* repository);

struct Head {
  std::string name;    // "refs/heads/main"; "HEAD" when detached
  std::string branch;  // "main"; empty when detached
  bool detached = false;
  bool unborn = false;  // no commits yet
};
Result<Head> read_head(git_repository* repository);
// The commit that HEAD is; not_found when there is none yet.
Result<Commit> head_commit(git_repository* repository);
// A commit by branch, tag, hash or any expression that git knows.
Result<Object> find_commit(git_repository* repository, const std::string& expression);

Result<Reference> find_branch(git_repository* repository, const std::string& name);
Status check_branch_name(const std::string& name);

// Updates worktree and index from the tree of `from` (by the files in `base`) to that of `to`, and refuses
// with conflict before anything is changed when local changes would be lost. `base` may be null: HEAD.
Status switch_files(git_repository* repository, const git_object* to, git_tree* base);

std::string hash_of(const git_oid* id);

}  // namespace dt::git
