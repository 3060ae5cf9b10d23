// Giving up root for the services that do not need it.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::server {

// Becomes `user` (a name in /etc/passwd) for good: groups, gid, uid, no new privileges. Nothing when `user`
// is empty or when the process is not root.
Status drop_privileges(const std::string& user);
// Gives `dir` and what is in it to `user`; nothing when `user` is empty.
Status own(const std::string& dir, const std::string& user);

}  // namespace dt::server
