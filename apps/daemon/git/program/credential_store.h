// The files of `git credential-store`: a URL with user name and password in each line. Plain text, as git has
// it; the file is the user's alone (0600).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::git {

struct Credential {
  std::string protocol;  // "https"
  std::string host;      // with port, if it is not the usual one
  std::string user;
  std::string password;
  std::string path;  // usually empty
};

// One line; nothing for lines that are none (comments, rubbish).
std::optional<Credential> parse_credential(std::string_view line);
std::string format_credential(const Credential& credential);  // without newline

// The text of a file with this entry first, instead of an older one for the same user.
std::string with_credential(std::string_view file, const Credential& credential);
// The first entry for protocol and host; only of this user, if one is given.
std::optional<Credential> find_credential(std::string_view file, std::string_view protocol,
                                          std::string_view host, std::string_view user);

// From the user's files.
std::optional<Credential> stored_credential(std::string_view protocol, std::string_view host,
                                            std::string_view user);
Status save_credential(const Credential& credential);

}  // namespace dt::git
