// Before files are written by force: what stands where their folders must be is removed.
#pragma once
#include "apps/daemon/git/program/handle.h"
#include "libs/base/error.h"

namespace dt::git {

// Removes files and links (never folders) from the worktree that are in the way of the entries of this index;
// only of those that match, if there is a pathspec.
Status clear_the_way(git_repository* repository, git_index* wanted, const git_pathspec* only);
// The same for the tree of a commit.
Status clear_the_way(git_repository* repository, git_object* commit, const git_pathspec* only);

}  // namespace dt::git
