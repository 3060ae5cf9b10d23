// The cookie that a signed preview link leaves in a browser (runner-proxy-gateway §2.3): for an hour its
// holder may use one port of one sandbox, also when the link itself has expired. Bound to the host's label
// and port by a MAC; it never reaches the sandbox.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/secret.h"
#include "libs/net/http.h"

namespace dt::proxy {

constexpr std::chrono::seconds kCookieLife{3600};

struct CookieScope {
  std::string label;  // the id or token as it stands in the host
  int port = 0;
};

// The value of Set-Cookie.
std::string issue_cookie(const Secret& key, const CookieScope& scope, const std::string& sandbox, Wall now,
                         bool secure);
// The sandbox of a cookie that we issued for this scope and that is not too old.
std::optional<std::string> sandbox_of_cookie(const Secret& key, const CookieScope& scope,
                                             const Headers& headers, Wall now);
// Takes our cookies out of a request and leaves the others as they came.
void remove_own_cookies(Headers& headers);

}  // namespace dt::proxy
