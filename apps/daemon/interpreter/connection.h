// GET /process/interpreter/execute: one run per WebSocket connection (toolbox.md §12.3).
#pragma once
#include "apps/daemon/interpreter/contexts.h"
#include "libs/net/http.h"

namespace dt::daemon::interpreter {

// 101, or 400 as text when the request is no handshake.
Task<Response> execute(Contexts& contexts, Request& request);

// The first message of the client. The error's message is the reason of the close frame; its code is
// invalid_body (1002) or bad_request (1008).
Result<RunRequest> parse_run_request(std::string_view text);

}  // namespace dt::daemon::interpreter
