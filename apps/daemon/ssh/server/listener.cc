#include "apps/daemon/ssh/server/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace dt::ssh {
namespace {

constexpr int kBacklog = 128;
constexpr int kPauseMs = 10;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address ipv4(in_addr_t host, uint16_t port) {
  Address out;
  auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = host;
  out.size = sizeof in;
  return out;
}

Address ipv6(const in6_addr& host, uint16_t port) {
  Address out;
  auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_addr = host;
  out.size = sizeof in;
  return out;
}

Result<std::vector<Address>> addresses(const std::string& text, uint16_t port) {
  if (text.empty() || text == "*") return std::vector{ipv4(INADDR_ANY, port), ipv6(in6addr_any, port)};
  if (text == "localhost")
    return std::vector{ipv4(htonl(INADDR_LOOPBACK), port), ipv6(in6addr_loopback, port)};
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return std::vector{ipv4(four.s_addr, port)};
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) return std::vector{ipv6(six, port)};
  return fail(Code::bad_request, "not an address: " + text);
}

void set_port(Address& address, uint16_t port) {
  // At the same place in both families.
  reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
}

Result<Fd> listen_at(const Address& address) {
  int family = address.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) < 0)
    return fail_errno("bind");
  if (::listen(fd.get(), kBacklog) < 0) return fail_errno("listen");
  return fd;
}

Result<uint16_t> port_of(const Fd& fd) {
  Address at;
  at.size = sizeof at.storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at.storage), &at.size) < 0)
    return fail_errno("port");
  return ntohs(reinterpret_cast<sockaddr_in&>(at.storage).sin_port);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof at.sun_path || path.find('\0') != std::string::npos)
    return fail(Code::bad_request, "not a path for a socket: " + path);
  path.copy(at.sun_path, path.size());
  return at;
}

void make_parents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    ::mkdir(path.substr(0, slash).c_str(), 0700);
}

void describe(const Address& peer, std::string& host, uint16_t& port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer.storage).sin_addr, text, sizeof text);
  } else if (peer.storage.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer.storage).sin6_addr, text, sizeof text);
  } else {
    return;
  }
  host = text;
  port = ntohs(reinterpret_cast<const sockaddr_in&>(peer.storage).sin_port);
}

}  // namespace

Result<std::unique_ptr<ForwardListener>> ForwardListener::tcp(const std::string& address, uint16_t port) {
  TRY(std::vector<Address> wanted, addresses(address, port));
  std::unique_ptr<ForwardListener> out(new ForwardListener());
  Error last;
  for (Address& at : wanted) {
    if (out->port_ != 0) set_port(at, out->port_);
    auto fd = listen_at(at);
    if (!fd) {
      last = fd.error();  // one family is enough: there are sandboxes without IPv6
      continue;
    }
    TRY(out->port_, port_of(*fd));
    out->sockets_.push_back(std::move(*fd));
  }
  if (out->sockets_.empty()) return std::unexpected(std::move(last));
  return out;
}

Result<std::unique_ptr<ForwardListener>> ForwardListener::unix_socket(const std::string& path) {
  TRY(sockaddr_un at, unix_address(path));
  make_parents(path);
  ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  mode_t before = ::umask(0177);
  int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
  ::umask(before);
  if (bound < 0) return fail_errno("bind " + path);
  if (::listen(fd.get(), kBacklog) < 0) return fail_errno("listen");
  std::unique_ptr<ForwardListener> out(new ForwardListener());
  out->path_ = path;
  out->sockets_.push_back(std::move(fd));
  return out;
}

ForwardListener::~ForwardListener() {
  if (!path_.empty()) ::unlink(path_.c_str());
  if (!remove_directory.empty()) ::rmdir(remove_directory.c_str());
}

void ForwardListener::watch(PollSet& set) {
  for (const Fd& fd : sockets_) set.add(fd.get(), POLLIN, *this);
}

void ForwardListener::ready(int fd, short events) {
  if (stopped_) return;
  Address peer;
  peer.size = sizeof peer.storage;
  Fd connection(
      ::accept4(fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection) {
    // Out of descriptors: the connection stays in the queue and poll() would come back at once.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) ::poll(nullptr, 0, kPauseMs);
    return;
  }
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  describe(peer, host, port);
  if (path_.empty()) {
    int on = 1;
    ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  accepted(std::move(connection), host, port);
}

Fd connect_unix(const std::string& path) {
  auto at = unix_address(path);
  if (!at) return {};
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) < 0) return {};
  return fd;
}

}  // namespace dt::ssh
