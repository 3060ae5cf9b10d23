// Whole trees: copy for moves between file systems, and removal. Symbolic links are never followed. All calls
// block.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::daemon {

// Modes and times are kept, owners are not. `destination` must not exist.
Status copy_tree(const std::string& source, const std::string& destination);
Status remove_tree(const std::string& path);
// Everything from the current offset of `from` to `to`.
Status copy_bytes(int from, int to);

}  // namespace dt::daemon
