// Paths inside a directory tree that somebody hostile wrote. Everything resolves inside `root` (openat2
// RESOLVE_IN_ROOT): absolute links and ".." stay in the tree, and /proc's magic links are refused.
#pragma once
#include "libs/base/fd.h"

namespace dt::linux_ {

Result<Fd> open_in_root(int root, const char* path, int flags, unsigned mode = 0);
// mkdir -p inside root. Returns the directory (O_PATH).
Result<Fd> make_directories_in_root(int root, const std::string& path, unsigned mode = 0755);
// The regular file at `path` (O_PATH), created empty with its parents when missing; a dangling link in its
// place is replaced.
Result<Fd> ensure_file_in_root(int root, const std::string& path, unsigned mode = 0644);
// A regular file's content; pipes, devices and files above `limit` fail.
Result<std::string> read_file_in_root(int root, const char* path, size_t limit);

}  // namespace dt::linux_
