// Copies of whole trees, for moves between file systems. No link is followed, whatever is swapped meanwhile.
// Blocks.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::daemon {

// Modes and times are kept, owners are not. `destination` must not exist (conflict); it appears when it is
// complete.
Status copy_tree(const std::string& source, const std::string& destination);
// Everything from the current offset of `from` to `to`.
Status copy_bytes(int from, int to);
// rename() that replaces nothing; -1 and errno (EEXIST).
int rename_new(int from, const char* name, int to, const char* new_name);

}  // namespace dt::daemon
