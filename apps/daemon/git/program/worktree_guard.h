// Keeps this process from following links inside of the worktree: somebody in the sandbox may swap a folder
// for a link at any moment, and files outside must be neither written, removed nor read. libgit2 works with
// whole paths, so its calls of open, unlink and so on go through functions of ours (--wrap in
// CMakeLists.txt). They act relative to the parent folder, opened without following links. `.git` itself may
// be a link, as git allows.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::git {

// From now on, for paths below this folder (absolute, ends with a slash). One at a time.
Status guard_worktree(const std::string& root);

}  // namespace dt::git
