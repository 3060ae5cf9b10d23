// The programs of a desktop: which, in which order, with which arguments, and where the image has them
// (toolbox.md §21.2).
#pragma once
#include <string>
#include <vector>

#include "apps/daemon/desktop/settings.h"
#include "apps/daemon/desktop/supervised.h"

namespace dt::daemon::desktop {

// What a client sees of a process, besides whether it runs.
struct Part {
  const char* name;
  int priority;
  bool auto_restart;
  bool required;  // without it the desktop is not active
};
// In the order of their priorities.
const std::vector<Part>& parts();
const Part* find_part(std::string_view name);

struct Found {
  Program program;      // without a path when it is not installed
  std::string missing;  // then: what would have to be, for people
  bool installed() const { return missing.empty(); }
};
// Looks through the folders of PATH and the places that Debian has; blocks, so on a worker. `path` is the
// sandbox's PATH, `bus` the address of the session bus, empty when there is none.
Found find_program(const Part& part, const Settings& settings, const std::string& path,
                   const std::string& bus);
// The session bus itself, at `address`.
Found find_bus(const Settings& settings, const std::string& path, const std::string& address);

}  // namespace dt::daemon::desktop
