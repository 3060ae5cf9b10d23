// What the sandbox's environment says about its desktop (toolbox.md §21.2). Read at every start of the
// desktop, because POST /env may have changed it.
#pragma once
#include <cstdint>
#include <string>

#include "apps/daemon/process/environment.h"

namespace dt::daemon::desktop {

struct Settings {
  std::string display;     // ":0"
  std::string resolution;  // "1024x768"
  uint16_t vnc_port = 5901;
  uint16_t novnc_port = 6080;
  std::string user;    // USER of the desktop; nothing changes the uid
  std::string home;    // HOME of the desktop
  std::string folder;  // of logs and of the session bus, below the home
};

// Values that make no sense (a port that is no number) are replaced by the default, with a warning in the
// log.
Settings read_settings(const Environment& environment);

}  // namespace dt::daemon::desktop
