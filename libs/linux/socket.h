// Message sockets between processes of one machine, with descriptors attached (SCM_RIGHTS).
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/fd.h"

namespace dt::linux_ {

inline constexpr size_t kMaxMessageFds = 16;

Result<std::pair<Fd, Fd>> message_socketpair();  // SOCK_SEQPACKET, close-on-exec
// One message. Blocks while the peer's queue is full; `closed` when the peer is gone. Never raises SIGPIPE.
Status send_message(int socket, std::string_view bytes, std::span<const int> fds = {});

struct Message {
  std::string bytes;
  std::vector<Fd> fds;  // close-on-exec
};
// Fails with `closed` at the end of the stream. A message longer than `limit`, or with more descriptors than
// kMaxMessageFds, fails.
Result<Message> receive_message(int socket, size_t limit = 256 * 1024);

}  // namespace dt::linux_
