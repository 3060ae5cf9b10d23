// What a request asks for, from its host and path alone. Pure.
#pragma once
#include <optional>
#include <string>

#include "libs/net/http.h"

namespace dt::proxy {

struct Target {
  bool preview = false;     // else toolbox
  int port = 0;             // of a preview
  std::string sandbox;      // id, or a signed token in the host of a preview
  std::string runner_path;  // below /sandboxes/{id}/toolbox, percent-encoding as received
  // Looks like a token of a signed preview link; ids of sandboxes are UUIDs and never do.
  bool signed_token() const;
};

// nullopt: not ours (404). Ports are compared as numbers; leading zeros, signs and ports beyond 65535 are not
// ports.
std::optional<Target> target_of(std::string_view host, std::string_view path);

// Ports that are never public: the toolbox, the web terminal, the recordings page.
bool always_private(int port);

// The query without one parameter, the rest as received.
std::string without_parameter(std::string_view raw_query, std::string_view name);

// Where a redirection of something behind /toolbox/{id} leads for the client: paths get the prefix that they
// had on their way in, everything else stays.
std::string redirected(const Target& target, std::string_view location);

}  // namespace dt::proxy
