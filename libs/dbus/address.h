// Where a bus listens (D-Bus specification, "Server Addresses"), and the connection to it.
#pragma once
#include <vector>

#include "libs/net/stream.h"

namespace dt::dbus {

// One of "unix:path=/run/bus,guid=…" and "unix:abstract=/tmp/dbus-x"; other transports are not for us.
struct Address {
  std::string path;
  bool abstract = false;
};

// The addresses of a list ("a;b") that we can connect to, in order. bad_request when the text breaks the
// rules, unavailable when no address in it is of a kind that we know.
Result<std::vector<Address>> parse_addresses(std::string_view text);

// Fails with unavailable when nobody listens there.
Task<Result<Stream>> connect_to(Address address, Mono deadline);

}  // namespace dt::dbus
