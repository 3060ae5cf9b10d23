// Server's part for forwarding: connections that the client wants us to make, and those that come to us.
#include <unistd.h>

#include "apps/daemon/ssh/server/connector.h"
#include "apps/daemon/ssh/server/server.h"
#include "apps/daemon/ssh/server/socket_channel.h"
#include "apps/daemon/ssh/sftp/wire.h"

namespace dt::ssh {
namespace {

constexpr std::string_view kDirectUnix = "direct-streamlocal@openssh.com";
constexpr std::string_view kForwardUnix = "streamlocal-forward@openssh.com";
constexpr std::string_view kCancelUnix = "cancel-streamlocal-forward@openssh.com";
// libssh knows tcpip-forward only; a socket goes through it as an address that no host can have.
constexpr std::string_view kUnixMark = "unix:";
constexpr uint16_t kUnixPort = 1;  // not 0, which would be answered with a number

std::string tcp_key(std::string_view address, uint16_t port) {
  return std::string(address) + " " + std::to_string(port);
}

// The head that both kinds of CHANNEL_OPEN share: sender's number, window, packet size.
std::string as_direct_tcpip(std::string_view numbers) {
  std::string out;
  put_string(out, "direct-tcpip");
  out += numbers;
  for (int i = 0; i < 2; ++i) {
    put_string(out, "");
    put_u32(out, 0);
  }
  return out;
}

}  // namespace

// The answer waits until the connection is there or has failed.
bool Server::channel_open_packet(std::string_view packet) {
  WireReader reader(packet);
  std::string_view type = reader.string();
  std::string_view numbers = reader.rest().substr(0, 12);
  for (int i = 0; i < 3; ++i) reader.u32();
  std::string target(reader.string());
  if (type == kDirectUnix && reader.ok()) {
    answer_open(as_direct_tcpip(numbers), connect_unix(target));
    return true;
  }
  uint32_t port = reader.u32();
  if (type != "direct-tcpip" || !reader.ok()) return false;
  add(std::make_unique<Connector>(
      target, static_cast<uint16_t>(port),
      [this, held = std::string(packet)](Fd fd) { answer_open(held, std::move(fd)); }));
  return true;
}

void Server::answer_open(const std::string& packet, Fd target) {
  open_target_ = std::move(target);
  replay_channel_open(session_, packet);
  open_target_.reset();
}

bool Server::global_request_packet(std::string_view packet) {
  WireReader reader(packet);
  std::string_view type = reader.string();
  if (type != kForwardUnix && type != kCancelUnix) return false;
  uint8_t want_reply = reader.u8();
  std::string path(kUnixMark);
  path += reader.string();
  std::string out;
  put_string(out, type == kForwardUnix ? "tcpip-forward" : "cancel-tcpip-forward");
  put_u8(out, want_reply);
  put_string(out, path);
  put_u32(out, kUnixPort);
  replay_global_request(session_, out);
  return true;
}

int Server::forward_tcp(ssh_message m) {
  std::string address = ssh_message_global_request_address(m);
  auto asked = static_cast<uint16_t>(ssh_message_global_request_port(m));
  if (address.starts_with(kUnixMark)) return forward_unix(m, address.substr(kUnixMark.size()));
  auto listener = ForwardListener::tcp(address, asked);
  if (!listener) return 1;
  uint16_t port = (*listener)->port();
  (*listener)->accepted = [this, address, port](Fd fd, std::string peer, uint16_t peer_port) {
    forward(std::move(fd), [address, port, peer, peer_port](ssh_channel channel) {
      return ssh_channel_open_reverse_forward(channel, address.c_str(), port, peer.c_str(), peer_port);
    });
  };
  forwards_[tcp_key(address, port)] = listener->get();
  add(std::move(*listener));
  ssh_message_global_request_reply_success(m, port);
  return 0;
}

int Server::forward_unix(ssh_message m, const std::string& path) {
  std::string key = tcp_key(std::string(kUnixMark) + path, kUnixPort);
  if (!forwards_.contains(key)) {
    auto listener = ForwardListener::unix_socket(path);
    if (!listener) return 1;
    (*listener)->accepted = [this, path](Fd fd, std::string, uint16_t) {
      forward(std::move(fd),
              [path](ssh_channel channel) { return open_forwarded_streamlocal(channel, path); });
    };
    forwards_[key] = listener->get();
    add(std::move(*listener));
  }
  ssh_message_global_request_reply_success(m, 0);
  return 0;
}

int Server::cancel_tcp(ssh_message m) {
  auto port = static_cast<uint16_t>(ssh_message_global_request_port(m));
  if (!cancel(tcp_key(ssh_message_global_request_address(m), port))) return 1;
  ssh_message_global_request_reply_success(m, 0);
  return 0;
}

bool Server::cancel(const std::string& key) {
  auto it = forwards_.find(key);
  if (it == forwards_.end()) return false;
  it->second->stop();
  forwards_.erase(it);
  return true;
}

void Server::forward(Fd connection, std::function<int(ssh_channel)> opener) {
  ssh_channel channel = ssh_channel_new(session_);
  if (channel)
    add(std::make_unique<SocketChannel>(session_, channel, std::move(connection), std::move(opener)));
}

std::string Server::agent_socket() {
  if (!agent_path_.empty()) return agent_path_;
  char directory[] = "/tmp/ssh-XXXXXXXXXX";
  if (!::mkdtemp(directory)) return "";
  std::string path = std::string(directory) + "/agent." + std::to_string(::getpid());
  auto listener = ForwardListener::unix_socket(path);
  if (!listener) {
    ::rmdir(directory);
    return "";
  }
  (*listener)->remove_directory = directory;
  (*listener)->accepted = [this](Fd fd, std::string, uint16_t) {
    forward(std::move(fd), [](ssh_channel channel) { return ssh_channel_open_auth_agent(channel); });
  };
  add(std::move(*listener));
  return agent_path_ = path;
}

}  // namespace dt::ssh
