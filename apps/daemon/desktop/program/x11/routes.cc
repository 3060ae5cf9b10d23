#include "apps/daemon/desktop/program/x11/routes.h"

#include <cstdlib>

#include "apps/daemon/desktop/program/serving/reply.h"
#include "apps/daemon/desktop/program/x11/keyboard.h"
#include "apps/daemon/desktop/program/x11/screen.h"
#include "apps/daemon/desktop/program/x11/screenshot.h"
#include "apps/daemon/http/errors.h"
#include "libs/codec/codec.h"

namespace dt::desktop {
namespace {

constexpr size_t kEncoders = 2;
constexpr int64_t kLongestDelay = 60'000;
constexpr int64_t kMostScrolls = 10'000;

struct DisplayDto {
  int64_t id = 0, x = 0, y = 0, width = 0, height = 0;
  bool isActive = true;
};
BOOST_DESCRIBE_STRUCT(DisplayDto, (), (id, x, y, width, height, isActive))

struct WindowDto {
  int64_t id = 0;
  std::string title;
  int64_t x = 0, y = 0, width = 0, height = 0;
  bool isActive = false;
};
BOOST_DESCRIBE_STRUCT(WindowDto, (), (id, title, x, y, width, height, isActive))

std::string display_name() {
  const char* text = ::getenv("DISPLAY");
  return text && *text ? text : ":0";
}

template <class T>
Response list_response(std::string_view name, const std::vector<T>& items) {
  std::string body = "{\"" + std::string(name) + "\":";
  codec::write(body, items);
  return daemon::json_response(200, body + "}");
}

// The result as the answer, or the error.
Response point_response(const Request& request, const Result<Point>& at) {
  if (!at) return failure(request, at.error());
  return daemon::json_response(200,
                               "{\"x\":" + std::to_string(at->x) + ",\"y\":" + std::to_string(at->y) + "}");
}
Response done_response(const Request& request, const Status& status, std::string body = "{}") {
  return status ? daemon::json_response(200, std::move(body)) : failure(request, status.error());
}

// Pictures and input have connections of their own: a click does not wait for a screenshot.
class Desktop {
 public:
  Task<Response> display_info(Request& request);
  Task<Response> list_windows(Request& request);
  template <Region region, Compressed compressed>
  Task<Response> screenshot(Request& request);
  Task<Response> position(Request& request);
  Task<Response> move(Request& request);
  Task<Response> click(Request& request);
  Task<Response> button_down(Request& request) { return set_button(request, true); }
  Task<Response> button_up(Request& request) { return set_button(request, false); }
  Task<Response> drag(Request& request);
  Task<Response> scroll(Request& request);
  Task<Response> type(Request& request);
  Task<Response> key(Request& request);
  Task<Response> hotkey(Request& request);
  Task<Response> key_down(Request& request) { return set_key(request, true); }
  Task<Response> key_up(Request& request) { return set_key(request, false); }

 private:
  Task<Response> set_button(Request& request, bool down);
  Task<Response> set_key(Request& request, bool down);
  Task<Response> press(Request& request, Result<Chord> chord);

  XServer view_{display_name()};
  XServer input_server_{display_name()};
  Input input_{input_server_, {}};
  Keyboard keyboard_{input_};
  WorkerPool encoders_{kEncoders, "encode"};
};

Task<Response> Desktop::display_info(Request& request) {
  auto all = co_await view_.run([](Connection& x) { return displays(x); });
  std::vector<DisplayDto> out;
  // Without an X server there is no display, which is an answer.
  if (all)
    for (const Rect& r : *all) out.push_back({static_cast<int64_t>(out.size()), r.x, r.y, r.width, r.height});
  co_return list_response("displays", out);
}

Task<Response> Desktop::list_windows(Request& request) {
  auto all = co_await view_.run([](Connection& x) { return windows(x); });
  if (!all) co_return failure(request, all.error());
  std::vector<WindowDto> out;
  for (Window& w : *all)
    out.push_back({w.id, std::move(w.title), w.geometry.x, w.geometry.y, w.geometry.width, w.geometry.height,
                   w.active});
  co_return list_response("windows", out);
}

template <Region region, Compressed compressed>
Task<Response> Desktop::screenshot(Request& request) {
  auto query = parse_screenshot_query(request.query, region, compressed);
  if (!query) co_return failure(request, query.error());
  auto body = co_await take_screenshot(view_, encoders_, std::move(*query), compressed);
  if (!body) co_return failure(request, body.error());
  co_return daemon::json_response(200, std::move(*body));
}

Task<Response> Desktop::position(Request& request) {
  auto at = co_await mouse_position(input_);
  co_return point_response(request, at);
}

Task<Response> Desktop::move(Request& request) {
  auto body = co_await Body::read(request, "Invalid coordinates");
  if (!body) co_return failure(request, body.error());
  auto to = body->point("x", "y");
  if (!to) co_return failure(request, to.error());
  auto at = co_await mouse_move(input_, *to);
  co_return point_response(request, at);
}

Task<Response> Desktop::click(Request& request) {
  auto body = co_await Body::read(request, "Invalid click parameters");
  if (!body) co_return failure(request, body.error());
  auto to = body->point("x", "y");
  auto name = body->text("button");
  auto twice = body->flag("double");
  if (!to || !name || !twice)
    co_return failure(request, !to ? to.error() : !name ? name.error() : twice.error());
  auto button = parse_button(*name);
  if (!button) co_return failure(request, button.error());
  auto at = co_await mouse_click(input_, *to, *button, *twice);
  co_return point_response(request, at);
}

Task<Response> Desktop::set_button(Request& request, bool down) {
  auto body = co_await Body::read(request, "Invalid mouse button parameters");
  if (!body) co_return failure(request, body.error());
  auto point = body->point("x", "y");
  auto name = body->text("button");
  if (!point || !name) co_return failure(request, !point ? point.error() : name.error());
  auto button = parse_button(*name);
  if (!button) co_return failure(request, button.error());
  std::optional<Point> to;
  if (body->has("x") && body->has("y")) to = *point;
  auto at = co_await mouse_button(input_, to, *button, down);
  co_return point_response(request, at);
}

Task<Response> Desktop::drag(Request& request) {
  auto body = co_await Body::read(request, "Invalid drag parameters");
  if (!body) co_return failure(request, body.error());
  auto from = body->point("startX", "startY");
  auto to = body->point("endX", "endY");
  auto name = body->text("button");
  if (!from || !to || !name)
    co_return failure(request, !from ? from.error() : !to ? to.error() : name.error());
  auto button = parse_button(*name);
  if (!button) co_return failure(request, button.error());
  auto at = co_await mouse_drag(input_, *from, *to, *button);
  co_return point_response(request, at);
}

Task<Response> Desktop::scroll(Request& request) {
  auto body = co_await Body::read(request, "Invalid scroll parameters");
  if (!body) co_return failure(request, body.error());
  auto to = body->point("x", "y");
  auto name = body->text("direction");
  auto amount = body->integer("amount");
  if (!to || !name || !amount)
    co_return failure(request, !to ? to.error() : !name ? name.error() : amount.error());
  auto wheel = parse_scroll_direction(*name);
  if (!wheel) co_return failure(request, wheel.error());
  if (*amount < 0)
    co_return failure(request, {Code::bad_request, "scroll amount must be greater than or equal to 0"});
  if (*amount > kMostScrolls)
    co_return failure(request,
                      {Code::bad_request, "scroll amount must be at most " + std::to_string(kMostScrolls)});
  Status done = co_await mouse_scroll(input_, *to, *wheel, *amount == 0 ? 1 : *amount);
  co_return done_response(request, done, "{\"success\":true}");
}

Task<Response> Desktop::type(Request& request) {
  auto body = co_await Body::read(request, "Invalid input");
  if (!body) co_return failure(request, body.error());
  auto text = body->text("text");
  auto delay = body->integer("delay");
  if (!text || !delay) co_return failure(request, !text ? text.error() : delay.error());
  auto symbols = parse_text(*text);
  if (!symbols) co_return failure(request, symbols.error());
  Millis pause(std::clamp<int64_t>(*delay, 0, kLongestDelay));
  Status done = co_await keyboard_.type(std::move(*symbols), pause);
  co_return done_response(request, done);
}

Task<Response> Desktop::press(Request& request, Result<Chord> chord) {
  if (!chord) co_return failure(request, chord.error());
  Status done = co_await keyboard_.press(std::move(*chord));
  co_return done_response(request, done);
}

Task<Response> Desktop::key(Request& request) {
  auto body = co_await Body::read(request, "Invalid key");
  if (!body) co_return failure(request, body.error());
  auto name = body->text("key");
  auto modifiers = body->list("modifiers");
  if (!name || !modifiers) co_return failure(request, !name ? name.error() : modifiers.error());
  co_return co_await press(request, parse_press(*name, *modifiers));
}

Task<Response> Desktop::set_key(Request& request, bool down) {
  auto body = co_await Body::read(request, "Invalid key");
  if (!body) co_return failure(request, body.error());
  auto name = body->text("key");
  if (!name) co_return failure(request, name.error());
  auto chord = parse_press(*name, {});
  if (!chord) co_return failure(request, chord.error());
  Task<Status> act = down ? keyboard_.hold(chord->key) : keyboard_.let_go(chord->key);
  Status done = co_await std::move(act);
  co_return done_response(request, done);
}

Task<Response> Desktop::hotkey(Request& request) {
  auto body = co_await Body::read(request, "Invalid hotkey");
  if (!body) co_return failure(request, body.error());
  auto keys = body->text("keys");
  if (!keys) co_return failure(request, keys.error());
  co_return co_await press(request, parse_hotkey(*keys));
}

}  // namespace

std::vector<Route> x11_routes() {
  auto desktop = std::make_shared<Desktop>();
  auto to = [desktop](Task<Response> (Desktop::*handler)(Request&)) {
    return [desktop, handler](Request& request) { return (desktop.get()->*handler)(request); };
  };
  return {
      {"GET", "/computeruse/display/info", to(&Desktop::display_info)},
      {"GET", "/computeruse/display/windows", to(&Desktop::list_windows)},
      {"GET", "/computeruse/screenshot", to(&Desktop::screenshot<Region::no, Compressed::no>)},
      {"GET", "/computeruse/screenshot/region", to(&Desktop::screenshot<Region::yes, Compressed::no>)},
      {"GET", "/computeruse/screenshot/compressed", to(&Desktop::screenshot<Region::no, Compressed::yes>)},
      {"GET", "/computeruse/screenshot/region/compressed",
       to(&Desktop::screenshot<Region::yes, Compressed::yes>)},
      {"GET", "/computeruse/mouse/position", to(&Desktop::position)},
      {"POST", "/computeruse/mouse/move", to(&Desktop::move)},
      {"POST", "/computeruse/mouse/click", to(&Desktop::click)},
      {"POST", "/computeruse/mouse/down", to(&Desktop::button_down)},
      {"POST", "/computeruse/mouse/up", to(&Desktop::button_up)},
      {"POST", "/computeruse/mouse/drag", to(&Desktop::drag)},
      {"POST", "/computeruse/mouse/scroll", to(&Desktop::scroll)},
      {"POST", "/computeruse/keyboard/type", to(&Desktop::type)},
      {"POST", "/computeruse/keyboard/key", to(&Desktop::key)},
      {"POST", "/computeruse/keyboard/down", to(&Desktop::key_down)},
      {"POST", "/computeruse/keyboard/up", to(&Desktop::key_up)},
      {"POST", "/computeruse/keyboard/hotkey", to(&Desktop::hotkey)},
  };
}

}  // namespace dt::desktop
