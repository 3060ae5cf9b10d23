// Names of files as requests give them, relative to the worktree.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::git {

// "./a//b/" -> "a/b"; "." -> "". An absolute name must lie below `root` (which ends with a slash). Names that
// lead out of the worktree are a bad request.
Result<std::string> path_in_worktree(std::string_view root, std::string_view name);

}  // namespace dt::git
