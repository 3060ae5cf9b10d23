#include "apps/daemon/pty/exit_report.h"

namespace dt::daemon {
namespace {

std::string reason_of(int code) {
  if (code == 0) return "";
  if (code == 130) return "Ctrl+C";
  if (code == 137) return "SIGKILL";
  if (code == 143) return "SIGTERM";
  if (code > 128) return "signal " + std::to_string(code - 128);
  return "non-zero exit";
}

}  // namespace

PtyExit pty_exit(int exit_code) { return {exit_code, reason_of(exit_code), exit_code == 0 ? 1000 : 1011}; }

std::string PtyExit::close_reason() const {
  std::string out = "{\"exitCode\":" + std::to_string(code);
  if (!reason.empty()) out += ",\"exitReason\":\"" + reason + "\"";
  return out + "}";
}

std::string PtyExit::control_frame() const {
  return "{\"type\":\"control\",\"status\":\"exited\"," + close_reason().substr(1);
}

}  // namespace dt::daemon
