// Recordings of the screen: /computeruse/recordings/… (toolbox.md §22.2) and the page on port 33333 (§22.3),
// where no socket listens: the daemon's port proxy hands such requests over.
#pragma once
#include <vector>

#include "apps/daemon/recordings/recordings.h"
#include "libs/net/router.h"

namespace dt::daemon {

inline constexpr uint16_t kRecordingsPort = 33333;

// Both must outlive the routes.
std::vector<Route> recording_routes(recordings::Recordings& recordings, WorkerPool& pool);
// request.path is the path below the port.
Task<Response> serve_recordings(recordings::Recordings& recordings, WorkerPool& pool, Request& request);

namespace recordings {
// The members of every error answer and `error`, which clients of the older generation read.
Response failure(const Request& request, const Error& error);
}  // namespace recordings

}  // namespace dt::daemon
