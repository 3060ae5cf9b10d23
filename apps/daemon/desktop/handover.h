// Connections that are handed to a companion instead of being accepted by it: one end of a socket pair goes
// over a control socket (SOCK_SEQPACKET). There is no name that others in the sandbox could connect to, and
// the end of the control socket tells the companion that nobody needs it any more.
#pragma once
#include "libs/base/fd.h"

namespace dt::daemon {

struct SocketPair {
  Fd ours;
  Fd theirs;
};
// Non-blocking and close-on-exec; `type` is SOCK_STREAM or SOCK_SEQPACKET.
Result<SocketPair> socket_pair(int type);

// Gives a descriptor away. Fails with unavailable when nobody will take it any more or too many wait.
Status hand_over(int control, const Fd& connection);

// The next one; an empty Fd when there is none yet (wait until `control` is readable). Fails with closed at
// the end.
Result<Fd> take_over(int control);

}  // namespace dt::daemon
