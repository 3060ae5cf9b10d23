// Socket addresses, internal.
#pragma once
#include <sys/socket.h>

#include "libs/net/stream.h"

namespace dt::detail {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
// False when the host is a name that must be resolved; "localhost" counts as 127.0.0.1;
// connect() tries ::1 after it.
bool numeric_address(const Endpoint& at, Address& out);

}  // namespace dt::detail
