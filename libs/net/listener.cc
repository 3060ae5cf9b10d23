#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "libs/base/log.h"
#include "libs/net/address.h"
#include "libs/net/stream.h"

namespace dt {

struct Listener::Impl {
  Fd fd;
  std::unique_ptr<Watch> watch;
  std::string unix_path;  // to remove, when we made it
  bool closed = false;

  void close();
};

void Listener::Impl::close() {
  if (closed) return;
  closed = true;
  watch->cancel();
  // Removed while still listening: a successor only replaces the file of a socket that nobody listens on.
  if (!unix_path.empty()) ::unlink(unix_path.c_str());
  ::shutdown(fd.get(), SHUT_RDWR);
}

namespace {

bool is_socket_file(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool someone_listens(const detail::Address& address) {
  Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int r = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  return r == 0 || errno == EAGAIN;
}

// Errors of the connection that was about to be accepted, not of the listener.
bool of_connection(int err) {
  return err == ECONNABORTED || err == EPROTO || err == EINTR || err == EPERM || err == ENETDOWN ||
         err == ENETUNREACH || err == EHOSTUNREACH || err == EHOSTDOWN;
}
bool out_of_resources(int err) { return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM; }

// Accepted connections inherit it. Without, a client whose machine is gone would hold an upgraded connection,
// and with it a sandbox, for ever.
void notice_dead_peers(int fd, int family) {
  if (family == AF_UNIX) return;
  int on = 1, idle = 120, interval = 30, probes = 4;  // seconds
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace

Result<Listener> Listener::bind(const Endpoint& at) {
  Endpoint numeric = at;
  if (numeric.host == "*") numeric.host = "0.0.0.0";
  detail::Address address;
  if (!detail::numeric_address(numeric, address))
    return fail(Code::bad_request, "listen on " + at.str() + ": give an address, not a name");
  int family = address.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  notice_dead_peers(fd.get(), family);
  auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  auto try_bind = [&] { return ::bind(fd.get(), name, address.size) == 0 ? 0 : errno; };
  int err = try_bind();
  bool stale = err == EADDRINUSE && is_socket_file(at.unix_path) && !someone_listens(address);
  if (stale) {
    ::unlink(at.unix_path.c_str());
    err = try_bind();
  }
  if (err == EADDRINUSE) return fail(Code::conflict, "listen on " + at.str() + ": already in use");
  if (err != 0) return fail_errno("listen on " + at.str(), err);
  if (::listen(fd.get(), 4096) != 0) return fail_errno("listen on " + at.str());
  Listener out(std::move(fd));
  out.impl_->unix_path = at.unix_path;
  return out;
}

Listener::Listener(Fd listening) : impl_(std::make_unique<Impl>()) {
  fcntl(listening.get(), F_SETFL, fcntl(listening.get(), F_GETFL) | O_NONBLOCK);
  impl_->fd = std::move(listening);
  impl_->watch = std::make_unique<Watch>(impl_->fd.get());
}
Listener::~Listener() {
  if (impl_) close();
}
Listener::Listener(Listener&&) noexcept = default;

Task<Result<Stream>> Listener::accept() {
  Impl& l = *impl_;
  while (!l.closed) {
    Fd fd(::accept4(l.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) co_return Stream(std::move(fd));
    if (of_connection(errno)) continue;
    if (out_of_resources(errno)) {
      log::error("cannot accept connections", {{"error", errno_error("accept", errno).message}});
      co_await Loop::current().sleep_for(Millis(100));
      continue;
    }
    if (errno != EAGAIN && !l.closed) co_return fail_errno("accept");
    co_await l.watch->readable();
  }
  co_return fail(Code::cancelled, "the listener was closed");
}

void Listener::close() { impl_->close(); }

uint16_t Listener::port() const {
  detail::Address address;
  address.size = sizeof address.storage;
  getsockname(fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.size);
  if (address.storage.ss_family == AF_INET)
    return ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
  if (address.storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port);
  return 0;
}
int Listener::fd() const { return impl_->fd.get(); }

}  // namespace dt
