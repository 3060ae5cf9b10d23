// Who may pass (runner-proxy-gateway §2.3): the public flag, a bearer of the API, the sandbox's preview token
// in header or query, or a signed token in the host.
#pragma once
#include "apps/proxy/directory.h"
#include "apps/proxy/target.h"

namespace dt::proxy {

struct Access {
  std::string sandbox;              // the id, also when the host had a signed token
  bool drop_authorization = false;  // the bearer was for us, not for what runs in the sandbox
  std::string query;                // to pass on
};

Task<Result<Access>> authorize(Directory& directory, const Request& request, const Target& target);

}  // namespace dt::proxy
