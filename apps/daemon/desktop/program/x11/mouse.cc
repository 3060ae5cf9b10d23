#include "apps/daemon/desktop/program/x11/mouse.h"

#include "apps/daemon/desktop/program/x11/quote.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

constexpr Millis kAfterMove{50};
constexpr Millis kBeforeClick{100};
constexpr Millis kHeld{10};  // a click's button
constexpr Millis kBetweenClicks{30};
// Window managers hold a click back until they have raised and focused the window; keys are not held back.
constexpr Millis kAfterClick{50};
constexpr int kDragSteps = 20;
constexpr Millis kDragStep{2};
constexpr Millis kWheelStep{10};

Task<void> pause(Millis time) { return Loop::current().sleep_for(time); }

Task<Status> move(Input& input, Point to) {
  return input.server.run([to](Connection& x) { return move_pointer(x, to); });
}
Task<Status> set_button(Input& input, Button button, bool down) {
  return input.server.run(
      [button, down](Connection& x) { return press_button(x, static_cast<uint8_t>(button), down); });
}

Task<Status> click(Input& input, Button button) {
  CO_TRY_VOID(co_await set_button(input, button, true));
  co_await pause(kHeld);
  co_return co_await set_button(input, button, false);
}

Task<Status> glide(Input& input, Point from, Point to) {
  for (int step = 1; step <= kDragSteps; ++step) {
    Point at{from.x + (to.x - from.x) * step / kDragSteps, from.y + (to.y - from.y) * step / kDragSteps};
    CO_TRY_VOID(co_await move(input, at));
    co_await pause(kDragStep);
  }
  co_return Status{};
}

}  // namespace

Result<Button> parse_button(std::string_view text) {
  std::string name = lower(trim(text));
  if (name.empty() || name == "left") return Button::left;
  if (name == "right") return Button::right;
  if (name == "middle") return Button::middle;
  return fail(Code::bad_request,
              "unsupported mouse button " + quote(text) + ": expected one of left, right, middle");
}

Result<Button> parse_scroll_direction(std::string_view text) {
  std::string name = lower(trim(text));
  if (name == "up") return Button::wheel_up;
  if (name == "down") return Button::wheel_down;
  return fail(Code::bad_request, "unsupported scroll direction " + quote(text) + ": expected up or down");
}

Task<Result<Point>> mouse_position(Input& input) {
  auto state = co_await input.server.run([](Connection& x) { return pointer(x); });
  if (!state) co_return std::unexpected(std::move(state).error());
  co_return state->position;
}

Task<Result<Point>> mouse_move(Input& input, Point to) {
  auto turn = co_await input.turns.mine();
  CO_TRY_VOID(co_await move(input, to));
  co_await pause(kAfterMove);
  co_return co_await mouse_position(input);
}

Task<Result<Point>> mouse_click(Input& input, Point at, Button button, bool twice) {
  auto turn = co_await input.turns.mine();
  CO_TRY_VOID(co_await move(input, at));
  co_await pause(kBeforeClick);
  CO_TRY_VOID(co_await click(input, button));
  if (twice) {
    co_await pause(kBetweenClicks);
    CO_TRY_VOID(co_await click(input, button));
  }
  co_await pause(kAfterClick);
  co_return co_await mouse_position(input);
}

Task<Result<Point>> mouse_button(Input& input, std::optional<Point> at, Button button, bool down) {
  auto turn = co_await input.turns.mine();
  if (at) {
    CO_TRY_VOID(co_await move(input, *at));
    co_await pause(kAfterMove);
  }
  CO_TRY_VOID(co_await set_button(input, button, down));
  co_return co_await mouse_position(input);
}

Task<Result<Point>> mouse_drag(Input& input, Point from, Point to, Button button) {
  auto turn = co_await input.turns.mine();
  CO_TRY_VOID(co_await move(input, from));
  co_await pause(Millis(100));
  // The click of the contract gives the window the focus. The time after it is longer than the contract's, so
  // that click and drag are not a double click, which would select words or maximise the window.
  CO_TRY_VOID(co_await click(input, button));
  co_await pause(Millis(500));
  CO_TRY_VOID(co_await set_button(input, button, false));
  co_await pause(Millis(50));
  CO_TRY_VOID(co_await set_button(input, button, true));
  co_await pause(Millis(300));
  Status glided = co_await glide(input, from, to);
  co_await pause(Millis(100));
  Status released = co_await set_button(input, button, false);  // in any case
  if (!glided) co_return std::unexpected(std::move(glided).error());
  if (!released) co_return std::unexpected(std::move(released).error());
  co_await pause(Millis(50));
  co_return co_await mouse_position(input);
}

Task<Status> mouse_scroll(Input& input, Point at, Button wheel, int64_t clicks) {
  auto turn = co_await input.turns.mine();
  CO_TRY_VOID(co_await move(input, at));
  co_await pause(kAfterMove);
  for (int64_t i = 0; i < clicks; ++i) {
    CO_TRY_VOID(co_await set_button(input, wheel, true));
    CO_TRY_VOID(co_await set_button(input, wheel, false));
    co_await pause(kWheelStep);
  }
  co_return Status{};
}

}  // namespace dt::desktop
