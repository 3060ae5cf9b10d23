// SSH for libgit2, on libssh: ssh:// and user@host:path with the user's own keys, agent, ~/.ssh/config and
// known_hosts. A host that is seen for the first time is remembered; one whose key has changed is refused.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::git {

// After set_up_library(). Connections made later use it.
Status register_ssh();

// For servers that take passwords, when no key of the user fits. Kept until changed.
void set_ssh_password(std::string password);

}  // namespace dt::git
