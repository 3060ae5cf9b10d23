#include "apps/daemon/desktop/program/x11/pointer.h"

#include <xcb/xtest.h>

#include <algorithm>

namespace dt::desktop {
namespace {

void fake(Connection& x, uint8_t type, uint8_t detail, Point at = {}) {
  auto clamp = [](int v) { return static_cast<int16_t>(std::clamp<int>(v, INT16_MIN, INT16_MAX)); };
  xcb_test_fake_input(x.xcb(), type, detail, XCB_CURRENT_TIME, x.root(), clamp(at.x), clamp(at.y), 0);
}

}  // namespace

Result<PointerState> pointer(Connection& x) {
  Reply<xcb_query_pointer_reply_t> reply(
      xcb_query_pointer_reply(x.xcb(), xcb_query_pointer(x.xcb(), x.root()), nullptr));
  if (!reply) return std::unexpected(x.lost());
  return PointerState{{reply->root_x, reply->root_y}, reply->mask};
}

Status need_xtest(Connection& x) {
  if (x.has(xcb_test_id)) return {};
  if (x.broken()) return std::unexpected(x.lost());
  return fail(Code::bad_request, "the X server lacks the XTEST extension, which mouse and keyboard need");
}

Status move_pointer(Connection& x, Point to) {
  TRY_VOID(need_xtest(x));
  fake(x, XCB_MOTION_NOTIFY, 0, to);
  return x.sync();
}

Status press_button(Connection& x, uint8_t button, bool down) {
  TRY_VOID(need_xtest(x));
  fake(x, down ? XCB_BUTTON_PRESS : XCB_BUTTON_RELEASE, button);
  return x.sync();
}

Status press_key(Connection& x, xcb_keycode_t key, bool down) {
  fake(x, down ? XCB_KEY_PRESS : XCB_KEY_RELEASE, key);
  return {};
}

}  // namespace dt::desktop
