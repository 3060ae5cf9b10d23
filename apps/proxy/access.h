// Who may pass (runner-proxy-gateway §2.3): the public flag, a bearer of the API, the sandbox's preview token
// in header or query, the cookie of a signed link, a signed token in the host, or the signature of a file URL
// (clients §11.6). Which of them never reach the sandbox is decided here too.
#pragma once
#include "apps/proxy/directory.h"
#include "apps/proxy/target.h"

namespace dt::proxy {

struct Access {
  std::string sandbox;               // the id, also when the host had a signed token
  bool drop_authorization = false;   // the bearer was for us, not for what runs in the sandbox
  std::string set_cookie;            // for the browser; empty: none
  std::optional<std::string> query;  // all that goes on of it, with its question mark; none: the request's
};

Task<Result<Access>> authorize(const ProxyConfig& config, Directory& directory, const Request& request,
                               const Target& target);

// Takes every credential that was for us out of what goes to the sandbox.
void remove_credentials(Headers& headers, const Access& access);
// The query to pass on, with its question mark; as received but for our key.
std::string query_to_pass(const Request& request, const Access& access);

}  // namespace dt::proxy
