#include "apps/daemon/git/program/paths.h"

#include <vector>

#include "apps/daemon/git/program/errors.h"
#include "libs/base/text.h"

namespace dt::git {

Result<std::string> path_in_worktree(std::string_view root, std::string_view name) {
  std::string_view rest = name;
  if (rest.starts_with('/')) {
    std::string_view bare = root.substr(0, root.size() - 1);
    if (rest != bare && !rest.starts_with(root))
      return bad_request("'" + std::string(name) + "' is outside of the repository");
    rest.remove_prefix(rest == bare ? bare.size() : root.size());
  }
  if (name.empty() || name.find('\0') != name.npos) return bad_request("a file's name is empty or not one");
  std::vector<std::string> parts;
  for (std::string_view part : split(rest, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.emplace_back(part);
    } else {
      if (parts.empty()) return bad_request("'" + std::string(name) + "' is outside of the repository");
      parts.pop_back();
    }
  }
  return join(parts, "/");
}

}  // namespace dt::git
