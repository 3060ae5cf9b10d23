// Asks an X server of this machine whether it serves, and for properties of its windows, in a dozen lines
// of the X11 protocol: enough to know that a desktop is up, without a library. Loop thread only, nothing
// blocks.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "libs/net/stream.h"

namespace dt::daemon::desktop {

// N of ":N" and ":N.S"; nothing for displays of other machines.
std::optional<int> display_number(std::string_view display);

class XProbe {
 public:
  // Connects and waits for the server's greeting. unavailable: nobody serves there; forbidden: it serves, but
  // not us.
  static Task<Result<XProbe>> open(std::string display, Mono deadline);
  // The bytes of a property of the root window of the first screen; not_found when there is none.
  Task<Result<std::string>> root_property(std::string name, Mono deadline);
  Task<Result<std::string>> property(uint32_t window, std::string name, Mono deadline);

 private:
  XProbe(Stream stream, uint32_t root) : stream_(std::move(stream)), root_(root) {}
  Task<Result<std::string>> reply(Mono deadline);
  Stream stream_;
  uint32_t root_;
};

}  // namespace dt::daemon::desktop
