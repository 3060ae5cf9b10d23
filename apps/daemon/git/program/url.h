// Addresses of remote repositories, in the forms that git takes: URLs, "user@host:path", local paths; and
// without a scheme, which means https.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::git {

struct Url {
  enum class Kind { http, ssh, local, other };
  Kind kind = Kind::other;
  std::string text;      // as it may be stored: with a scheme, without user name and password of HTTP
  std::string scheme;    // "https", "ssh" (also for user@host:path); empty for a local path
  std::string user;      // decoded
  std::string password;  // decoded
  bool has_password = false;
  std::string host;  // with brackets if an IPv6 address
  std::string port;  // digits; empty: the scheme's
  std::string path;  // ssh: what the server is asked for; http: with its slash
};

// Fails with bad_request when it is no address of a repository.
Result<Url> parse_url(std::string_view text);

}  // namespace dt::git
