// A file of a recording as an answer: typed, with ranges, sent by the kernel.
#pragma once
#include <string>

#include "libs/net/http.h"
#include "libs/net/loop.h"

namespace dt::daemon::recordings {

// The file itself, never through a link. Fails with not_found ("file not found").
Task<Result<Response>> video(WorkerPool& pool, const Request& request, std::string path);

}  // namespace dt::daemon::recordings
