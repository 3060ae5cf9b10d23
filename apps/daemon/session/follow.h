// The log of a command over a WebSocket: what there is, and with `follow` what comes, until the command
// ended. Each connection reads the file at its own pace.
#pragma once
#include <memory>

#include "apps/daemon/session/sessions.h"
#include "libs/base/fd.h"
#include "libs/net/websocket.h"

namespace dt::daemon {

struct Following {
  std::shared_ptr<SessionCommand> command;
  Event* shutdown = nullptr;  // the daemon's; outlives the connection
  bool follow = false;
  bool combined = false;  // markers are taken out
};
Task<void> send_log(WebSocket& socket, Following what, std::shared_ptr<Fd> log);

}  // namespace dt::daemon
