// File-tree helpers that never follow a symbolic link: what they walk was written by hostile code.
#pragma once
#include <string>

#include "libs/base/error.h"
#include "libs/base/fd.h"

namespace dt {

// Opens a directory itself, never through a link.
Result<Fd> open_directory(const std::string& path);
// mkdir with exactly this mode whatever the umask; an existing directory is fine and keeps its owner.
Status make_directory(const std::string& path, unsigned mode);
// Removes `name` below `parent` with all it contains, of any depth, without recursion on the stack. Absent is
// fine.
Status remove_tree(int parent, const std::string& name);
// Removes everything below a directory, not itself.
Status empty_directory(const std::string& path);

}  // namespace dt
