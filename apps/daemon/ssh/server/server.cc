#include "apps/daemon/ssh/server/server.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/ssh/server/connector.h"
#include "apps/daemon/ssh/server/host_key.h"
#include "apps/daemon/ssh/server/socket_channel.h"

namespace dt::ssh {
namespace {

constexpr const char* kKeyExchange =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512";
constexpr const char* kCiphers =
    "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr";
constexpr const char* kMacs =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
constexpr long kKeyExchangeSeconds = 120;
// Rounds of libssh, each of at most 4 KiB, before our own descriptors have their turn.
constexpr int kRounds = 64;

Error ssh_error(void* from, std::string_view what) {
  return Error{Code::io, std::string(what) + ": " + ssh_get_error(from)};
}

}  // namespace

Server::Server(const char* const* environment) : commands_(environment) {
  commands_.agent_socket = [this] { return agent_socket(); };
}

Server::~Server() {
  sources_.clear();
  if (event_) ssh_event_free(event_);
  if (session_) ssh_free(session_);
  if (bind_) ssh_bind_free(bind_);
}

Status Server::prepare(int fd, std::string_view seed) {
  TRY(ssh_key key, host_key(seed));
  bind_ = ssh_bind_new();
  session_ = ssh_new();
  bool no_files = false;
  if (ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_IMPORT_KEY, key) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_KEY_EXCHANGE, kKeyExchange) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_CIPHERS_C_S, kCiphers) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_CIPHERS_S_C, kCiphers) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_HMAC_C_S, kMacs) < 0 ||
      ssh_bind_options_set(bind_, SSH_BIND_OPTIONS_HMAC_S_C, kMacs) < 0)
    return std::unexpected(ssh_error(bind_, "settings"));
  long timeout = kKeyExchangeSeconds;
  ssh_options_set(session_, SSH_OPTIONS_TIMEOUT, &timeout);
  if (ssh_bind_accept_fd(bind_, session_, fd) != SSH_OK)
    return std::unexpected(ssh_error(bind_, "connection"));

  callbacks_.userdata = this;
  callbacks_.auth_none_function = [](ssh_session, const char*, void*) -> int { return SSH_AUTH_SUCCESS; };
  callbacks_.auth_password_function = [](ssh_session, const char*, const char*, void*) -> int {
    return SSH_AUTH_SUCCESS;
  };
  callbacks_.auth_pubkey_function = [](ssh_session, const char*, ssh_key_struct*, char state, void*) -> int {
    bool good = state == SSH_PUBLICKEY_STATE_NONE || state == SSH_PUBLICKEY_STATE_VALID;
    return good ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
  };
  callbacks_.channel_open_request_session_function = [](ssh_session, void* self) {
    return static_cast<Server*>(self)->open_session();
  };
  ssh_callbacks_init(&callbacks_);
  ssh_set_server_callbacks(session_, &callbacks_);
  ssh_set_message_callback(
      session_, [](ssh_session, ssh_message m, void* self) { return static_cast<Server*>(self)->message(m); },
      this);
  ssh_set_auth_methods(session_, SSH_AUTH_METHOD_NONE | SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY);
  install(session_);
  return {};
}

Status Server::exchange_keys() {
  if (ssh_handle_key_exchange(session_) != SSH_OK)
    return std::unexpected(ssh_error(session_, "key exchange"));
  ssh_set_blocking(session_, 0);
  ssh_set_counters(session_, &received_, nullptr);
  event_ = ssh_event_new();
  if (!event_ || ssh_event_add_session(event_, session_) != SSH_OK)
    return std::unexpected(ssh_error(session_, "event loop"));
  return {};
}

Status Server::run(Fd connection, std::string_view seed) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (int signal : {SIGCHLD, SIGTERM, SIGHUP, SIGINT}) ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_) return fail_errno("signals");
  TRY_VOID(prepare(connection.get(), seed));
  std::ignore = connection.release();  // libssh closes it
  TRY_VOID(exchange_keys());
  serve();
  sources_.clear();
  if (alive()) ssh_disconnect(session_);
  return {};
}

bool Server::alive() const {
  return ssh_is_connected(session_) && !(ssh_get_status(session_) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

void Server::serve() {
  while (alive()) {
    // libssh may read packets inside any of its functions: what they bring for a source whose turn is over
    // must not wait for the next event.
    uint64_t before = received_.in_bytes;
    for (auto& source : sources_) source->turn();
    update_sources();
    if (!alive()) break;
    wait(received_.in_bytes != before || fresh_);
    if (!handle_signals()) break;
    for (int i = 0; i < kRounds && ssh_event_dopoll(event_, 0) >= 0; ++i) {
    }
    dispatch();
  }
}

void Server::wait(bool again) {
  set_.clear();
  for (auto& source : sources_) source->watch(set_);
  auto& all = set_.entries();
  bool unsent = ssh_get_poll_flags(session_) & SSH_WRITE_PENDING;
  all.push_back({ssh_get_fd(session_), static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), 0});
  all.push_back({signals_.get(), POLLIN, 0});
  if (::poll(all.data(), all.size(), again ? 0 : -1) < 0)
    for (pollfd& entry : all) entry.revents = 0;
}

void Server::dispatch() {
  auto& all = set_.entries();
  for (size_t i = 0; i + 2 < all.size(); ++i)
    if (all[i].revents) set_.source(i).ready(all[i].fd, all[i].revents);
}

void Server::update_sources() {
  std::erase_if(forwards_, [](const auto& entry) { return entry.second->finished(); });
  std::erase_if(sources_, [](const auto& source) { return source->finished(); });
  fresh_ = !added_.empty();  // they have had no turn
  for (auto& source : added_) sources_.push_back(std::move(source));
  added_.clear();
}

// False: we are asked to end.
bool Server::handle_signals() {
  signalfd_siginfo info;
  bool child = false;
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) return false;
    child = true;
  }
  if (!child) return true;
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (auto* list : {&sources_, &added_})
      for (auto& source : *list)
        if (source->child_ended(pid, status)) break;
  }
  return true;
}

ssh_channel Server::open_session() {
  ssh_channel channel = ssh_channel_new(session_);
  if (channel) add(std::make_unique<CommandChannel>(session_, channel, commands_));
  return channel;
}

// libssh wants 0 for "answered", 1 for "refuse it".
int Server::message(ssh_message m) {
  int type = ssh_message_type(m), subtype = ssh_message_subtype(m);
  if (type == SSH_REQUEST_CHANNEL_OPEN && subtype == SSH_CHANNEL_DIRECT_TCPIP && open_target_) {
    ssh_channel channel = ssh_message_channel_request_open_reply_accept(m);
    if (!channel) return 1;
    add(std::make_unique<SocketChannel>(session_, channel, std::move(open_target_)));
    return 0;
  }
  if (type == SSH_REQUEST_GLOBAL && subtype == SSH_GLOBAL_REQUEST_TCPIP_FORWARD) return forward_tcp(m);
  if (type == SSH_REQUEST_GLOBAL && subtype == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD) return cancel_tcp(m);
  return 1;
}

}  // namespace dt::ssh
