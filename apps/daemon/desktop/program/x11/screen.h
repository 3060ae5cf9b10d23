// What is on the screen: displays, windows, pixels.
#pragma once
#include <string>
#include <vector>

#include "apps/daemon/desktop/program/x11/connection.h"
#include "apps/daemon/desktop/program/x11/picture.h"

namespace dt::desktop {

// The monitors of RandR, the primary one first; the whole screen where there are none.
Result<std::vector<Rect>> displays(Connection& x);

// The pixels of a rectangle of the screen; black where it reaches beyond. bad_request when it is too large.
Result<Picture> capture(Connection& x, Rect area);

struct Window {
  uint32_t id = 0;
  std::string title;  // UTF-8
  Rect geometry;      // of its content, on the screen
  bool active = false;
};
// The windows that a window manager lists; without one, the top-level windows that can be seen.
Result<std::vector<Window>> windows(Connection& x);

}  // namespace dt::desktop
