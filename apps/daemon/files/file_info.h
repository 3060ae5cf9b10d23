// What list and info tell about a file. All calls block.
#pragma once
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "apps/daemon/files/answer_file.h"
#include "apps/daemon/files/tree_walk.h"

namespace dt::daemon {

std::string mode_text(mode_t mode);            // drwxr-xr-x, urwxr-xr-x
std::string base_name(std::string_view path);  // "x" of "/a/x/"; "/" of "/"
std::string joined_path(std::string_view dir, std::string_view name);

// Appends the JSON object; `path` is a member of it unless empty.
void write_file_info(std::string& out, std::string_view name, const struct stat& st, std::string_view path);
// Symbolic links are followed.
Result<std::string> file_info_json(const std::string& path, bool with_path);

struct ListOptions {
  unsigned depth = 1;
  bool with_path = true;
};
// JSON array sorted by name, each directory before what is in it. What cannot be examined is left out.
Result<Response> list_directory(const std::string& path, const ListOptions& options, const Ended& ended);

}  // namespace dt::daemon
