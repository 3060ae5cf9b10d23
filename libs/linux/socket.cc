#include "libs/linux/socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace dt::linux_ {

Result<std::pair<Fd, Fd>> message_socketpair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) return fail_errno("socketpair");
  return std::pair{Fd(fds[0]), Fd(fds[1])};
}

Status send_message(int socket, std::string_view bytes, std::span<const int> fds) {
  CHECK(fds.size() <= kMaxMessageFds);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxMessageFds)];
  iovec iov{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  if (!fds.empty()) {
    msg.msg_control = control;
    msg.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return fail_errno("send message");
  return {};
}

Result<Message> receive_message(int socket, size_t limit) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxMessageFds)];
  Message out;
  ssize_t size;
  // ECONNRESET says that the peer left a message of ours unread; what it sent before is still in the queue
  // behind that error.
  while ((size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC)) < 0)
    if (errno != EINTR && errno != ECONNRESET) return fail_errno("receive message");
  if (static_cast<size_t>(size) > limit) return fail(Code::payload_too_large, "message too large");
  out.bytes.resize(static_cast<size_t>(size) + 1);  // 0 bytes could not be told from the end of the stream
  iovec iov{out.bytes.data(), out.bytes.size()};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  ssize_t n;
  while ((n = ::recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) return fail_errno("receive message");
  for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c != nullptr; c = CMSG_NXTHDR(&msg, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      out.fds.emplace_back(fd);
    }
  }
  if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return fail(Code::payload_too_large, "message or its descriptors too large");
  if (n == 0) return fail(Code::closed, "the peer closed the socket");
  out.bytes.resize(static_cast<size_t>(n));
  return out;
}

}  // namespace dt::linux_
