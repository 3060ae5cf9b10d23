// One SSH connection that runs one command, by libssh.
#pragma once
#include <libssh/libssh.h>

#include <string>
#include <string_view>

#include "apps/daemon/git/program/url.h"
#include "libs/base/error.h"

namespace dt::git {

class SshSession {
 public:
  SshSession() = default;
  SshSession(const SshSession&) = delete;
  ~SshSession();

  // Connects, checks the host's key, logs in and starts the command. Errors are bad_gateway, or unauthorized.
  Status start(const Url& url, const std::string& password, const std::string& command);
  // 0 at the end. Fails with what the command said on its standard error, if it ends with nothing else.
  Result<size_t> read(char* buffer, size_t size);
  Status write(std::string_view bytes);

 private:
  Status configure(const Url& url);
  Status check_host(const Url& url);
  Status log_in(const Url& url, const std::string& password);
  Status open(const std::string& command);
  void keep_errors();
  std::unexpected<Error> broken(std::string_view what) const;

  ssh_session session_ = nullptr;
  ssh_channel channel_ = nullptr;
  std::string errors_;  // what came on standard error, its beginning
  bool read_something_ = false;
};

}  // namespace dt::git
