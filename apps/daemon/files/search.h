// Search by content (find), by name (search), and replace. All calls block and run on a worker.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::daemon {

// JSON array of {file,line,content} for every line that contains `pattern`.
std::string find_json(const std::string& root, const std::string& pattern);
// JSON {"files":[…]} of the names that match the glob.
std::string search_json(const std::string& root, const std::string& pattern);
// JSON array of {file,success,error?} in the order of `files`.
std::string replace_json(const std::vector<std::string>& files, const std::string& pattern,
                         const std::string& value);

// '*', '?', "[a-z]", "[^a-z]", backslash; the whole name must match. A malformed pattern matches nothing.
bool glob_match(std::string_view pattern, std::string_view name);

}  // namespace dt::daemon
