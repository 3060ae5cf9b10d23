// The web terminal (port 22222 of a sandbox, toolbox.md 23.2): a page, its files, and /ws, where every
// connection has a shell of its own that is hung up when the client leaves. No socket listens there: the
// daemon's port proxy hands such requests over.
//
// On /ws a text message that is exactly {"rows":n,"cols":n} sets the window size; every other message is
// input. Our page sends all input as binary, so that a pasted JSON text is never taken for a size.
#pragma once
#include "apps/daemon/pty/sessions.h"
#include "libs/net/http.h"

namespace dt::daemon {

inline constexpr uint16_t kTerminalPort = 22222;

// request.path is the path below the port. Context and sessions must outlive the answer's connection.
Task<Response> serve_terminal(ProcessContext& context, PtySessions& sessions, Request& request);

}  // namespace dt::daemon
