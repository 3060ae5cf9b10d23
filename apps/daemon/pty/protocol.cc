#include "apps/daemon/pty/protocol.h"

#include "libs/codec/codec.h"

namespace dt::daemon {

// Before all output: some clients read only text until it came.
Task<Status> ToolboxProtocol::greet(WebSocket& socket) {
  return socket.send_text(R"({"status":"connected","type":"control"})");
}

Task<Status> ToolboxProtocol::output(WebSocket& socket, std::string_view bytes) {
  return socket.send_binary(bytes);
}

Task<Status> ToolboxProtocol::farewell(WebSocket& socket, const PtyExit& exit) {
  if (tell_exit_) {
    std::string frame = exit.control_frame();
    CO_TRY_VOID(co_await socket.send_text(frame));
  }
  std::string reason = exit.close_reason();
  co_return co_await socket.close(exit.close_code, reason);
}

Task<void> refuse_connection(WebSocket& socket, std::string_view why) {
  std::string frame = "{\"error\":";
  codec::write_string(frame, "Failed to connect to PTY session: " + std::string(why));
  frame += R"(,"status":"error","type":"control"})";
  auto sent = co_await socket.send_text(frame);
  if (sent) socket.hang_up();
}

}  // namespace dt::daemon
