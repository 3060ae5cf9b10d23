// What clients ask of PTY sessions, decoded and checked: bodies, queries and sub-protocols.
#pragma once
#include <optional>
#include <string>

#include "apps/daemon/pty/sessions.h"
#include "libs/net/http.h"

namespace dt::daemon {

Result<PtyRequest> decode_pty_create(std::string_view body);
// GET /process/pty/create-connect: the query, and the environment from its sub-protocol.
Result<PtyRequest> decode_pty_create_connect(const Request& request);

struct PtyResize {
  std::optional<uint32_t> cols, rows;  // absent: as it is
};
Result<PtyResize> decode_pty_resize(std::string_view body);

struct PtyProtocols {
  std::string chosen;  // the sub-protocol to answer with; "": none
  std::string envs;    // base64url of the X-Daytona-Pty-Envs sub-protocol; "": none
  bool exit_control = false;
};
PtyProtocols read_pty_protocols(const Request& request);

}  // namespace dt::daemon
