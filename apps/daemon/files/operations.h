// Changes of the file tree. All calls block and run on a worker; relative paths are below the work dir.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "libs/base/error.h"

namespace dt::daemon {

// Octal digits, at most 07777; only the low nine bits are kept.
Result<mode_t> parse_mode(std::string_view text);

// With parents. A directory that is there already is success.
Status make_folder(const std::string& path, mode_t mode);

enum class Recursive { no, yes };
Status remove_path(const std::string& path, Recursive recursive);

// conflict when the destination exists. A text: moved, but the source could not be removed (and why).
Result<std::optional<std::string>> move_path(const std::string& source, const std::string& destination);

struct PermissionChange {
  std::string mode, owner, group;  // empty: unchanged
};
Status change_permissions(const std::string& path, const PermissionChange& change);

}  // namespace dt::daemon
