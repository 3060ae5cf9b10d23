#include "libs/net/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libs/net/stream_impl.h"

namespace dt {
namespace {

bool would_block(int err) { return err == EAGAIN || err == EWOULDBLOCK || err == EINTR; }

bool prepare_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  int on = 1;
  if (domain != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return true;
}

}  // namespace

Stream::Impl::Impl(Fd f) : fd(std::move(f)), watch(fd.get()), socket(prepare_socket(fd.get())) {}

Status Stream::Impl::cancelled_error() const { return fail(Code::cancelled, "the connection was cancelled"); }

std::optional<Result<size_t>> Stream::Impl::try_read(std::span<char> buffer) {
  watch.impl().ready[detail::IoWait::in] = false;
  ssize_t n = socket ? ::recv(fd.get(), buffer.data(), buffer.size(), 0)
                     : ::read(fd.get(), buffer.data(), buffer.size());
  if (n < 0) {
    if (would_block(errno)) return std::nullopt;
    if (errno == EIO && !socket) return Result<size_t>(0);  // a terminal whose other side is gone
    return Result<size_t>(fail_errno("read"));
  }
  bool drained = socket && n > 0 && static_cast<size_t>(n) < buffer.size() && !watch.impl().hung_up;
  maybe_readable = !drained;
  return Result<size_t>(static_cast<size_t>(n));
}

std::optional<Result<size_t>> Stream::Impl::try_write(iovec* pieces, int count) {
  watch.impl().ready[detail::IoWait::out] = false;
  ssize_t n;
  if (socket && count == 1) {
    n = ::send(fd.get(), pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
  } else if (socket) {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = static_cast<size_t>(count);
    n = ::sendmsg(fd.get(), &message, MSG_NOSIGNAL);
  } else {
    n = ::writev(fd.get(), pieces, count);
  }
  if (n >= 0) return Result<size_t>(static_cast<size_t>(n));
  if (would_block(errno)) return std::nullopt;
  return Result<size_t>(fail_errno("write"));
}

Task<Status> Stream::Impl::wait_readable(Mono deadline) {
  detail::IoWait wait = watch.impl().wait(detail::IoWait::in, deadline);
  co_await wait;
  if (cancelled) co_return cancelled_error();
  if (!wait.await_resume()) co_return fail(Code::timeout, "timed out waiting for data");
  maybe_readable = true;
  co_return Status();
}

Task<Status> Stream::Impl::wait_writable(Mono deadline) {
  detail::IoWait wait = watch.impl().wait(detail::IoWait::out, idle_deadline(write_idle, deadline));
  co_await wait;
  if (cancelled) co_return cancelled_error();
  if (!wait.await_resume()) co_return fail(Code::timeout, "timed out sending data");
  co_return Status();
}

Task<Status> Stream::Impl::write_pieces(std::string_view a, std::string_view b, std::string_view c,
                                        Mono deadline) {
  std::string_view left[3] = {a, b, c};
  for (;;) {
    iovec pieces[3];
    int count = 0;
    for (std::string_view piece : left)
      if (!piece.empty()) pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
    if (count == 0) co_return Status();
    if (cancelled) co_return cancelled_error();
    auto sent = try_write(pieces, count);
    if (!sent) {
      CO_TRY_VOID(co_await wait_writable(deadline));
      continue;
    }
    if (!*sent) co_return std::unexpected(std::move(*sent).error());
    size_t n = **sent;
    for (std::string_view& piece : left) {
      size_t part = std::min(n, piece.size());
      piece.remove_prefix(part);
      n -= part;
    }
    co_await detail::FairShare{};
  }
}

Task<Status> Stream::Impl::send_file(int file, uint64_t offset, uint64_t length) {
  constexpr uint64_t kPiece = 1 << 20;
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    if (cancelled) co_return cancelled_error();
    watch.impl().ready[detail::IoWait::out] = false;
    ssize_t n = ::sendfile(fd.get(), file, &at, std::min(length, kPiece));
    if (n == 0) co_return fail(Code::io, "the file became shorter while it was sent");
    if (n < 0 && !would_block(errno)) co_return fail_errno("sendfile");
    if (n < 0) {
      CO_TRY_VOID(co_await wait_writable(kNever));
      continue;
    }
    length -= static_cast<uint64_t>(n);
    co_await detail::FairShare{};
  }
  co_return Status();
}

Stream::Stream(Fd fd) : impl_(std::make_unique<Impl>(std::move(fd))) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Task<Result<size_t>> Stream::read_some(std::span<char> buffer, Mono deadline) {
  Impl& s = *impl_;
  co_await detail::FairShare{};
  for (;;) {
    if (s.cancelled) co_return std::unexpected(s.cancelled_error().error());
    if (s.maybe_readable) {
      auto got = s.try_read(buffer);
      if (got) co_return std::move(*got);
    }
    CO_TRY_VOID(co_await s.wait_readable(deadline));
  }
}

Task<Status> Stream::write_all(std::string_view bytes, Mono deadline) {
  return impl_->write_pieces(bytes, {}, {}, deadline);
}
Task<Status> Stream::write_all(std::string_view first, std::string_view second, Mono deadline) {
  if (second.empty()) return impl_->write_pieces(first, {}, {}, deadline);
  return impl_->write_pieces(first, second, {}, deadline);
}

Status Stream::shutdown_write() {
  if (!impl_->socket) return {};
  if (::shutdown(impl_->fd.get(), SHUT_WR) != 0 && errno != ENOTCONN) return fail_errno("shutdown");
  return {};
}

void Stream::cancel() {
  impl_->cancelled = true;
  impl_->watch.cancel();
}

void Stream::abort() {
  linger hard{.l_onoff = 1, .l_linger = 0};
  if (impl_->socket) setsockopt(impl_->fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  cancel();
}

Fd Stream::release() {
  // Something harmless to watch takes its place, because others may still hold this stream.
  auto rest = std::make_unique<Impl>(Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
  std::swap(impl_, rest);
  cancel();
  Fd out = std::move(rest->fd);
  return out;
}

void Stream::set_write_idle(Millis limit) { impl_->write_idle = limit; }
int Stream::fd() const { return impl_->fd.get(); }
Watch& Stream::watch() { return impl_->watch; }

std::string Stream::peer() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unix";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six))
      inet_ntop(AF_INET, six.s6_addr + 12, text, sizeof text);
    else
      inet_ntop(AF_INET6, &six, text, sizeof text);
  } else {
    return "unix";
  }
  return text;
}

}  // namespace dt
