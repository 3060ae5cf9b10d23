// The pointer and its buttons, through XTEST: programs cannot tell it from a mouse.
#pragma once
#include "apps/daemon/desktop/program/x11/connection.h"

namespace dt::desktop {

struct PointerState {
  Point position;
  uint16_t modifiers = 0;  // of the core protocol; bits 13 and 14 are the keyboard's group
};
Result<PointerState> pointer(Connection& x);

// These return when the server has done it. bad_request when it lacks XTEST.
Status move_pointer(Connection& x, Point to);
Status press_button(Connection& x, uint8_t button, bool down);
Status press_key(Connection& x, xcb_keycode_t key, bool down);  // does not wait for the server
Status need_xtest(Connection& x);

}  // namespace dt::desktop
