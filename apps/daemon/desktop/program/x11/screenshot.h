// Screenshots: pixels from the server, drawn on, scaled and encoded beside the loop (toolbox §21.4).
#pragma once
#include "apps/daemon/desktop/program/x11/parameters.h"
#include "apps/daemon/desktop/program/x11/x_server.h"

namespace dt::desktop {

// The JSON of the answer.
Task<Result<std::string>> take_screenshot(XServer& server, WorkerPool& encoders, ScreenshotQuery query,
                                          Compressed compressed);

}  // namespace dt::desktop
