// POST /files/bulk-upload: many files in one form, each with a path and a result of its own.
#pragma once
#include "libs/net/http.h"
#include "libs/net/loop.h"

namespace dt::daemon {
Task<Response> bulk_upload(WorkerPool& pool, Request& request);
}
