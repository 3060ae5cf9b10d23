// The client's side of the handshake (D-Bus specification, "Authentication Protocol"): EXTERNAL, the kernel
// tells the bus who we are.
#pragma once
#include "libs/net/stream.h"

namespace dt::dbus {

// Afterwards messages follow, beginning with `left`, bytes that were already read. Fails with forbidden when
// the bus refuses us.
Task<Status> authenticate(Stream& stream, std::string& left, Mono deadline);

}  // namespace dt::dbus
