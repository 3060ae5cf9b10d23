// The user a sandbox runs as, from the image's own /etc/passwd and /etc/group: hostile text, parsed
// leniently, never trusted for more than ids below 65,536.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner::engine {

struct UserRecord {
  std::string name;  // empty for a number that has no entry
  std::string home = "/";
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;  // supplementary, with gid; at most 64
};

// `spec` as in an image config: "", name, uid, name:group, uid:gid. Names must exist; numbers need no entry
// (group 0, home "/").
Result<UserRecord> resolve_user(std::string_view spec, std::string_view passwd, std::string_view group);

}  // namespace dt::runner::engine
