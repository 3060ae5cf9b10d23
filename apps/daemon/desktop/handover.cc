#include "apps/daemon/desktop/handover.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace dt::daemon {
namespace {

// A message of one byte with room for one descriptor.
struct Message {
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};

  Message() {
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = room;
    header.msg_controllen = sizeof room;
  }
  Message(const Message&) = delete;
};

}  // namespace

Result<SocketPair> socket_pair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    return fail_errno("socket pair");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Status hand_over(int control, const Fd& connection) {
  Message message;
  cmsghdr* item = CMSG_FIRSTHDR(&message.header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof(int));
  int fd = connection.get();
  std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
  ssize_t sent = -1;
  do sent = ::sendmsg(control, &message.header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail(Code::unavailable, errno_error("hand a connection over", errno).message);
  return {};
}

Result<Fd> take_over(int control) {
  Message message;
  ssize_t got = -1;
  do got = ::recvmsg(control, &message.header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return Fd();
  if (got <= 0) return fail(Code::closed, "nobody needs this companion any more");
  cmsghdr* item = CMSG_FIRSTHDR(&message.header);
  bool carries = item && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS &&
                 item->cmsg_len == CMSG_LEN(sizeof(int));
  if (!carries) return fail(Code::closed, "a message without a connection");
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
  return Fd(fd);
}

}  // namespace dt::daemon
