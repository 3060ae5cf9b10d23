// CORS at the edge (runner-proxy-gateway §2.7): the origin is reflected with credentials, preflights never
// reach a sandbox.
#pragma once
#include <optional>

#include "libs/net/http.h"

namespace dt::proxy {

struct Cors {
  std::optional<Response> preflight;  // the answer, when the request is one
  std::string origin;                 // empty: nothing to add
  void apply(Response& response) const;
};
Cors cors_of(Request& request);  // removes the header that switches it off

}  // namespace dt::proxy
