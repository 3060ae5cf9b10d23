// What the sandbox features are told by the wiring.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "apps/api/runners/store.h"
#include "apps/api/sandbox/store.h"
#include "libs/base/clock.h"

namespace dt::api {

struct SandboxSettings {
  std::string toolbox_url = "http://localhost:4000/toolbox";  // toolboxProxyUrl of every sandbox
  std::string preview_template = "http://{{PORT}}-{{sandboxId}}.localhost:4000";  // of preview links
  std::string dashboard_url = "http://localhost:3000/dashboard";
  std::string default_snapshot;
  std::string default_user = "daytona";
  int64_t max_auto_archive = 43'200;  // minutes
  int64_t default_auto_stop = 15;
  int64_t default_auto_archive = 10'080;
  Millis start_wait{25'000};  // create and start answer after this at the latest
  Millis activity_flush{10'000};
  Overcommit overcommit;
  std::optional<Usage> total_quota;  // per organization and region; none: only the limits per sandbox hold
};

}  // namespace dt::api
