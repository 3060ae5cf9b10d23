#include "apps/daemon/git/program/ssh_session.h"

#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "apps/daemon/git/program/config.h"
#include "apps/daemon/git/program/errors.h"
#include "libs/base/text.h"

namespace dt::git {
namespace {

constexpr long kConnectSeconds = 60;
constexpr size_t kErrorsLimit = 16 * 1024;
constexpr uint32_t kWriteSize = 32 * 1024;

std::unexpected<Error> unreachable(const std::string& text) {
  return failure(Code::bad_gateway, text, kTransportFailed);
}

std::string plain_host(const Url& url) {
  return url.host.starts_with('[') ? url.host.substr(1, url.host.size() - 2) : url.host;
}

}  // namespace

SshSession::~SshSession() {
  if (channel_) ssh_channel_free(channel_);
  if (session_) ssh_disconnect(session_);
  if (session_) ssh_free(session_);
}

std::unexpected<Error> SshSession::broken(std::string_view what) const {
  return unreachable(std::string(what) + ": " + ssh_get_error(session_));
}

// The user's settings first: they may say more about the host, as its real name and port.
Status SshSession::configure(const Url& url) {
  TRY(std::string home, home_directory());
  std::string folder = home + "/.ssh", host = plain_host(url);
  bool no = false;
  long timeout = kConnectSeconds;
  ssh_options_set(session_, SSH_OPTIONS_PROCESS_CONFIG, &no);  // that would be the one of the account's home
  ssh_options_set(session_, SSH_OPTIONS_TIMEOUT, &timeout);
  ssh_options_set(session_, SSH_OPTIONS_SSH_DIR, folder.c_str());
  ssh_options_set(session_, SSH_OPTIONS_KNOWNHOSTS, (folder + "/known_hosts").c_str());
  if (ssh_options_set(session_, SSH_OPTIONS_HOST, host.c_str()) < 0) return broken("host " + host);
  if (!url.user.empty()) ssh_options_set(session_, SSH_OPTIONS_USER, url.user.c_str());
  if (!url.port.empty()) ssh_options_set(session_, SSH_OPTIONS_PORT_STR, url.port.c_str());
  for (const std::string& file : {folder + "/config", std::string("/etc/ssh/ssh_config")})
    if (::access(file.c_str(), R_OK) == 0 && ssh_options_parse_config(session_, file.c_str()) < 0)
      return broken(file);
  return {};
}

Status SshSession::check_host(const Url& url) {
  switch (ssh_session_is_known_server(session_)) {
    case SSH_KNOWN_HOSTS_OK:
      return {};
    case SSH_KNOWN_HOSTS_NOT_FOUND:
    case SSH_KNOWN_HOSTS_UNKNOWN:
      std::ignore =
          ssh_session_update_known_hosts(session_);  // a home that cannot be written to is no reason to stop
      return {};
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
      return unreachable("the host key of " + url.host +
                         " is not the one in ~/.ssh/known_hosts: this may be another server. If its key was "
                         "changed on purpose, remove its line there");
    default:
      return broken("the host key of " + url.host + " cannot be checked");
  }
}

Status SshSession::log_in(const Url& url, const std::string& password) {
  int code = ssh_userauth_none(session_, nullptr);
  if (code == SSH_AUTH_DENIED || code == SSH_AUTH_PARTIAL)
    code = ssh_userauth_publickey_auto(session_, nullptr, "");  // no passphrase: nobody could be asked for it
  if (code != SSH_AUTH_SUCCESS && !password.empty() &&
      (ssh_userauth_list(session_, nullptr) & SSH_AUTH_METHOD_PASSWORD))
    code = ssh_userauth_password(session_, nullptr, password.c_str());
  if (code == SSH_AUTH_SUCCESS) return {};
  if (!ssh_is_connected(session_)) return broken("the connection to " + url.host + " ended while logging in");
  return failure(Code::unauthorized,
                 "authentication required: " + url.host +
                     " takes none of the user's SSH keys (agent, ~/.ssh/id_*, ~/.ssh/config)",
                 kAuthFailed);
}

Status SshSession::open(const std::string& command) {
  channel_ = ssh_channel_new(session_);
  if (!channel_ || ssh_channel_open_session(channel_) != SSH_OK) return broken("SSH channel");
  if (ssh_channel_request_exec(channel_, command.c_str()) != SSH_OK) return broken("SSH command");
  return {};
}

Status SshSession::start(const Url& url, const std::string& password, const std::string& command) {
  session_ = ssh_new();
  if (!session_) return other("out of memory");
  TRY_VOID(configure(url));
  if (ssh_connect(session_) != SSH_OK) return broken("cannot connect to " + url.host);
  TRY_VOID(check_host(url));
  TRY_VOID(log_in(url, password));
  return open(command);
}

void SshSession::keep_errors() {
  char buffer[1024];
  for (;;) {
    int n = ssh_channel_read_nonblocking(channel_, buffer, sizeof buffer, 1);
    if (n <= 0) return;
    if (errors_.size() < kErrorsLimit) errors_.append(buffer, static_cast<size_t>(n));
  }
}

Result<size_t> SshSession::read(char* buffer, size_t size) {
  int n = ssh_channel_read(channel_, buffer, static_cast<uint32_t>(std::min<size_t>(size, INT32_MAX)), 0);
  if (n > 0) {
    read_something_ = true;
    return static_cast<size_t>(n);
  }
  keep_errors();
  if (n < 0) return broken("SSH");
  if (read_something_ || errors_.empty()) return size_t{0};
  std::string said(trim(errors_));
  std::string low = lower(said);
  for (std::string_view words :
       {"not appear to be a git repository", "repository not found", "project you were looking for"})
    if (low.find(words) != low.npos) return not_found("repository not found: " + said, kRepositoryNotFound);
  if (low.find("denied") != low.npos)
    return failure(Code::forbidden, "authorization failed: " + said, "FORBIDDEN");
  return unreachable("the remote said: " + said);
}

Status SshSession::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto part = static_cast<uint32_t>(std::min<size_t>(bytes.size(), kWriteSize));
    int n = ssh_channel_write(channel_, bytes.data(), part);
    if (n <= 0) return broken("SSH");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace dt::git
