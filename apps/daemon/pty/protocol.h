// How PTY sessions are spoken on their WebSocket: control messages are text, output is binary, input is both.
#pragma once
#include "apps/daemon/pty/session.h"

namespace dt::daemon {

// Clients of both generations: the newer one asks for the exit code in a control message, too.
class ToolboxProtocol final : public PtyProtocol {
 public:
  explicit ToolboxProtocol(bool tell_exit) : tell_exit_(tell_exit) {}
  Task<Status> greet(WebSocket& socket) override;
  Task<Status> output(WebSocket& socket, std::string_view bytes) override;
  Task<Status> farewell(WebSocket& socket, const PtyExit& exit) override;

 private:
  bool tell_exit_;
};

// {"error":"Failed to connect to PTY session: <why>",…} and then no close frame, as clients expect it.
Task<void> refuse_connection(WebSocket& socket, std::string_view why);

}  // namespace dt::daemon
