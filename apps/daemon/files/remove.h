// Removal of whole trees. Every step is relative to the descriptor of the directory above and follows no
// link: what is outside stays, whatever is put in the place of a directory meanwhile. Blocks.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::daemon {

// A link is removed, not what it points to. Stops at the first thing that cannot be removed.
Status remove_tree(const std::string& path);
// The same for a name in an open directory. 0 or errno.
int remove_tree_at(int directory, const std::string& name);

}  // namespace dt::daemon
