// The host key of the sandbox: ed25519 from a seed that the daemon keeps, the same for every connection.
#pragma once
#include <libssh/libssh.h>

#include <string_view>

#include "libs/base/error.h"

namespace dt::ssh {

inline constexpr size_t kSeedSize = 32;

// The caller frees it (or gives it to an ssh_bind).
Result<ssh_key> host_key(std::string_view seed);

}  // namespace dt::ssh
