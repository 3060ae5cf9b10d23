// What requests do with the mouse (toolbox §21.5). The pauses are at least those of the contract; nothing is
// blocked by them but other input.
#pragma once
#include <optional>
#include <string>

#include "apps/daemon/desktop/program/x11/pointer.h"
#include "apps/daemon/desktop/program/x11/x_server.h"

namespace dt::desktop {

// What acts on the keyboard or the mouse takes turns: a click never falls into another request's drag.
struct Input {
  XServer& server;
  Turns turns;
};

enum class Button : uint8_t { left = 1, middle = 2, right = 3, wheel_up = 4, wheel_down = 5 };
Result<Button> parse_button(std::string_view text);            // empty: left
Result<Button> parse_scroll_direction(std::string_view text);  // the wheel's

Task<Result<Point>> mouse_position(Input& input);
// These answer where the pointer is afterwards.
Task<Result<Point>> mouse_move(Input& input, Point to);
Task<Result<Point>> mouse_click(Input& input, Point at, Button button, bool twice);
// Presses or releases a button and leaves it so; moves there first, if told where.
Task<Result<Point>> mouse_button(Input& input, std::optional<Point> at, Button button, bool down);
Task<Result<Point>> mouse_drag(Input& input, Point from, Point to, Button button);
Task<Status> mouse_scroll(Input& input, Point at, Button wheel, int64_t clicks);

}  // namespace dt::desktop
