// Mouse and keyboard against a program on a real X server (Xvfb): what it gets is what was asked for.
#include <chrono>

#include "apps/daemon/desktop/program/x11/desktop_testing.h"
#include "apps/daemon/desktop/program/x11/keys.h"
#include "apps/daemon/desktop/program/x11/quote.h"

namespace dt::desktop {
namespace {

namespace bj = boost::json;
using Event = XClient::Event;

class InputTest : public DesktopTest {
 public:
  void SetUp() override {
    DesktopTest::SetUp();
    x_ = std::make_unique<XClient>(server_->display(), Rect{0, 0, 640, 480});
  }
  void TearDown() override {
    x_.reset();
    DesktopTest::TearDown();
  }

  static bj::object at(int x, int y, bj::object more = {}) {
    more["x"] = x;
    more["y"] = y;
    return more;
  }
  static Event down(uint32_t symbol) { return {XCB_KEY_PRESS, symbol, 0, {}}; }
  static Event up(uint32_t symbol) { return {XCB_KEY_RELEASE, symbol, 0, {}}; }
  static Event press(uint32_t button) { return {XCB_BUTTON_PRESS, button, 0, {}}; }
  static Event release(uint32_t button) { return {XCB_BUTTON_RELEASE, button, 0, {}}; }

  std::u32string typed(const std::string& text) {
    post("/keyboard/type", {{"text", text}});
    return x_->take_text(code_points(text).size());
  }
  std::vector<Event> pressed(const std::string& key, bj::array modifiers = {}) {
    size_t events = 2 * (modifiers.size() + 1);
    EXPECT_EQ(bj::serialize(post("/keyboard/key", {{"key", key}, {"modifiers", std::move(modifiers)}})),
              "{}");
    return x_->take(events);
  }

  std::unique_ptr<XClient> x_;
};

TEST_F(InputTest, MouseMoves) {
  EXPECT_EQ(bj::serialize(post("/mouse/move", at(123, 45))), R"({"x":123,"y":45})");
  EXPECT_EQ(bj::serialize(get("/mouse/position")), R"({"x":123,"y":45})");
  auto motion = x_->take_motion(1);
  ASSERT_FALSE(motion.empty());
  EXPECT_EQ(motion.back().at.x, 123);
  EXPECT_EQ(motion.back().at.y, 45);
  // The server keeps it on the screen.
  EXPECT_EQ(bj::serialize(post("/mouse/move", at(100000, -3))), R"({"x":639,"y":0})");
}

TEST_F(InputTest, MouseClicks) {
  EXPECT_EQ(bj::serialize(post("/mouse/click", at(10, 20))), R"({"x":10,"y":20})");
  auto events = x_->take(2);
  EXPECT_EQ(events, (std::vector{press(1), release(1)}));
  EXPECT_EQ(events[0].at.x, 10);
  EXPECT_EQ(events[0].at.y, 20);
  post("/mouse/click", at(10, 20, {{"button", "RIGHT"}}));
  EXPECT_EQ(x_->take(2), (std::vector{press(3), release(3)}));
  post("/mouse/click", at(10, 20, {{"button", "middle"}, {"double", true}}));
  EXPECT_EQ(x_->take(4), (std::vector{press(2), release(2), press(2), release(2)}));
}

TEST_F(InputTest, MouseDrags) {
  auto answer = post("/mouse/drag", {{"startX", 100}, {"startY", 100}, {"endX", 300}, {"endY", 60}});
  EXPECT_EQ(bj::serialize(answer), R"({"x":300,"y":60})");
  auto events = x_->take(4);
  ASSERT_EQ(events, (std::vector{press(1), release(1), press(1), release(1)}));
  EXPECT_EQ(events[2].at.x, 100);
  EXPECT_EQ(events[2].at.y, 100);
  EXPECT_EQ(events[3].at.x, 300);
  EXPECT_EQ(events[3].at.y, 60);
}

TEST_F(InputTest, DragMovesWithTheButtonDown) {
  post("/mouse/drag", {{"startX", 100}, {"startY", 100}, {"endX", 300}, {"endY", 60}, {"button", "right"}});
  auto motion = x_->take_motion(20);
  int with_button = 0, last = 0;
  for (const Event& e : motion) {
    if (!(e.state & XCB_BUTTON_MASK_3)) continue;
    ++with_button;
    EXPECT_GE(e.at.x, last);
    last = e.at.x;
  }
  EXPECT_GE(with_button, 15);
  EXPECT_EQ(last, 300);
}

TEST_F(InputTest, MouseScrolls) {
  EXPECT_EQ(bj::serialize(post("/mouse/scroll", at(5, 6, {{"direction", "down"}, {"amount", 3}}))),
            R"({"success":true})");
  EXPECT_EQ(x_->take(6), (std::vector{press(5), release(5), press(5), release(5), press(5), release(5)}));
  post("/mouse/scroll", at(5, 6, {{"direction", "Up"}}));
  auto events = x_->take(2);
  EXPECT_EQ(events, (std::vector{press(4), release(4)}));
  EXPECT_EQ(events[0].at.y, 6);
  post("/mouse/scroll", at(5, 6, {{"direction", "up"}, {"amount", 0}}));
  EXPECT_EQ(x_->take(2).size(), 2u);
}

TEST_F(InputTest, ErrorsOfTheMouse) {
  EXPECT_EQ(error("/mouse/click", at(1, 2, {{"button", "x"}})),
            "unsupported mouse button \"x\": expected one of left, right, middle");
  EXPECT_EQ(error("/mouse/scroll", at(1, 2, {{"direction", "x"}})),
            "unsupported scroll direction \"x\": expected up or down");
  EXPECT_EQ(error("/mouse/scroll", at(1, 2, {{"direction", "up"}, {"amount", -1}})),
            "scroll amount must be greater than or equal to 0");
  EXPECT_EQ(error("/mouse/move", {{"x", "1"}, {"y", 2}}), "Invalid coordinates");
  EXPECT_EQ(error("/mouse/move", {{"x", 1.5}}), "Invalid coordinates");
  EXPECT_EQ(error("/mouse/click", at(1, 2, {{"double", 1}})), "Invalid click parameters");
  EXPECT_EQ(error("/mouse/drag", bj::array{}), "Invalid drag parameters");
  EXPECT_EQ(error("/mouse/scroll", "x"), "Invalid scroll parameters");
  EXPECT_EQ(text(answer(call("POST", "/mouse/move", "{"), 400), "error"), "Invalid coordinates");
  EXPECT_EQ(text(answer(call("POST", "/mouse/move"), 400), "error"), "Invalid coordinates");
}

TEST_F(InputTest, TypesAscii) {
  std::u32string all;
  for (char32_t c = ' '; c < 0x7f; ++c) all += c;
  std::string text(all.begin(), all.end());
  EXPECT_EQ(bj::serialize(post("/keyboard/type", {{"text", text}})), "{}");
  EXPECT_EQ(x_->take_text(all.size()), all);
}

TEST_F(InputTest, TypesAnyText) {
  std::string text =
      "Grüße, Ærøskøbing! ÀÉ Привет – שלום 你好 😀🏳️‍🌈 ½ €";
  EXPECT_EQ(typed(text), code_points(text));
}

TEST_F(InputTest, TypesLineEndsAsEnter) {
  post("/keyboard/type", {{"text", "a\r\nb\nc\rd"}});
  EXPECT_EQ(x_->take_text(7), U"a\nb\nc\nd");
}

// More characters than there are spare keys, mixed, and fast.
TEST_F(InputTest, TypesMoreForeignCharactersThanThereAreSpareKeys) {
  std::u32string all;
  std::string text;
  for (char32_t c = 0x4e00; c < 0x4e00 + 90; ++c) {
    all += c;
    text += static_cast<char>(0xe0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (c & 0x3f));
    text += 'x';
    all += U'x';
  }
  EXPECT_EQ(typed(text), all);
}

TEST_F(InputTest, TypesLongTextWhole) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "Line " + std::to_string(i) + ": ß=ẞ, ok?\n";
  EXPECT_EQ(typed(text), code_points(text));
}

TEST_F(InputTest, TypesWithADelay) {
  post("/keyboard/type", {{"text", "abc"}, {"delay", 5}});
  EXPECT_EQ(x_->take_text(3), U"abc");
}

TEST_F(InputTest, CapsLockChangesNothing) {
  post("/keyboard/key", {{"key", "capslock"}});
  x_->take(2);
  EXPECT_EQ(typed("aBc é"), U"aBc é");
  // And it is still on.
  post("/keyboard/key", {{"key", "a"}});
  auto events = x_->take(2);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events[0].state & XCB_MOD_MASK_LOCK);
}

// Another layout: no key gives a letter of this text by itself.
TEST_F(InputTest, TypesOnAnotherLayout) {
  for (int key = 24; key <= 58; ++key)
    x_->set_key(static_cast<xcb_keycode_t>(key),
                {0x6c0u + static_cast<uint32_t>(key % 32), 0x6e0u + static_cast<uint32_t>(key % 32)});
  EXPECT_EQ(typed("Hello, wörld"), U"Hello, wörld");
  EXPECT_EQ(pressed("q", {"ctrl"}), (std::vector{down(0xffe3), down('q'), up('q'), up(0xffe3)}));
}

TEST_F(InputTest, OtherKeysKeepTheirSymbols) {
  std::vector<std::vector<xcb_keysym_t>> before;
  for (int key = 8; key < 256; ++key) before.push_back(x_->key_symbols(static_cast<xcb_keycode_t>(key)));
  typed("日本語テキスト");
  for (int key = 8; key < 256; ++key) {
    const auto& old = before[static_cast<size_t>(key - 8)];
    if (std::ranges::any_of(old, [](xcb_keysym_t s) { return s != 0; }))
      EXPECT_EQ(x_->key_symbols(static_cast<xcb_keycode_t>(key)), old) << key;
  }
}

TEST_F(InputTest, ErrorsOfTypingTypeNothing) {
  EXPECT_EQ(error("/keyboard/type", {{"text", "ab\tc"}}),
            "keyboard.type does not translate '\\t' to Tab; use keyboard.press(\"tab\") for Tab key events");
  EXPECT_EQ(error("/keyboard/type", {{"text", 5}}), "Invalid input");
  EXPECT_EQ(error("/keyboard/key", {{"key", bj::array{}}}), "Invalid key");
  EXPECT_EQ(error("/keyboard/key", {{"key", "a"}, {"modifiers", "ctrl"}}), "Invalid key");
  EXPECT_EQ(error("/keyboard/hotkey", {{"keys", 1}}), "Invalid hotkey");
  EXPECT_EQ(error("/keyboard/hotkey", {{"keys", "ctrl++c"}}), "invalid hotkey \"ctrl++c\": empty key token");
  EXPECT_EQ(error("/keyboard/key", {{"key", "c"}, {"modifiers", {"ctrl", "ctrl"}}}),
            "duplicate modifier \"ctrl\" in press(\"c\", [\"ctrl\", \"ctrl\"])");
  EXPECT_EQ(typed("z"), U"z");  // the first that arrives
}

// Every name gives its symbol, alone, whether the layout has such a key or not.
TEST_F(InputTest, EveryNamedKey) {
  std::vector<std::string> names = {
      "alt",         "backspace", "cmd",       "ctrl",      "delete",   "down",      "end",
      "enter",       "escape",    "home",      "insert",    "left",     "menu",      "num_asterisk",
      "num_decimal", "num_enter", "num_equal", "num_minus", "num_plus", "num_slash", "pagedown",
      "pageup",      "right",     "shift",     "space",     "tab",      "up",        "ralt",
      "rcmd",        "rctrl",     "rshift",    "lalt",      "lcmd",     "lctrl",     "lshift"};
  for (int i = 1; i <= 24; ++i) names.push_back("f" + std::to_string(i));
  for (int i = 0; i <= 9; ++i) names.push_back("num" + std::to_string(i));
  for (char c : std::string("az09',-./;=[\\]`")) names.emplace_back(1, c);
  for (const std::string& name : names) {
    uint32_t symbol = parse_press(name, {})->key;
    EXPECT_EQ(pressed(name), (std::vector{down(symbol), up(symbol)})) << name;
  }
  for (const char* lock : {"capslock", "num_lock"}) {
    uint32_t symbol = parse_press(lock, {})->key;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(pressed(lock), (std::vector{down(symbol), up(symbol)})) << lock;
  }
}

TEST_F(InputTest, ModifiersAreHeldAroundTheKey) {
  auto events = pressed("C", {"ctrl", "alt", "shift", "cmd"});
  ASSERT_EQ(events.size(), 10u);
  EXPECT_EQ(events[0], down(0xffe3));
  EXPECT_EQ(events[1], down(0xffe9));
  EXPECT_EQ(events[2], down(0xffe1));
  EXPECT_EQ(events[3], down(0xffeb));
  EXPECT_EQ(events[4], down('C'));  // with shift, of the key of c
  EXPECT_EQ(events[4].state & 0xff,
            XCB_MOD_MASK_CONTROL | XCB_MOD_MASK_1 | XCB_MOD_MASK_SHIFT | XCB_MOD_MASK_4);
  EXPECT_EQ(events[5], up('C'));
  EXPECT_EQ(events[9].type, XCB_KEY_RELEASE);
  EXPECT_EQ(pressed("c"), (std::vector{down('c'), up('c')}));  // nothing is left pressed
}

TEST_F(InputTest, Hotkeys) {
  EXPECT_EQ(bj::serialize(post("/keyboard/hotkey", {{"keys", "ctrl+c"}})), "{}");
  EXPECT_EQ(x_->take(4), (std::vector{down(0xffe3), down('c'), up('c'), up(0xffe3)}));
  post("/keyboard/hotkey", {{"keys", "ctrl+shift"}});
  EXPECT_EQ(x_->take(4), (std::vector{down(0xffe3), down(0xffe1), up(0xffe1), up(0xffe3)}));
  post("/keyboard/hotkey", {{"keys", "alt+f4"}});
  EXPECT_EQ(x_->take(4), (std::vector{down(0xffe9), down(0xffc1), up(0xffc1), up(0xffe9)}));
}

TEST_F(InputTest, ButtonsStayDownUntilTheyAreReleased) {
  EXPECT_EQ(bj::serialize(post("/mouse/down", at(50, 60))), R"({"x":50,"y":60})");
  EXPECT_EQ(x_->take(1), (std::vector{press(1)}));
  post("/mouse/move", at(90, 80));
  auto motion = x_->take_motion(1);
  ASSERT_FALSE(motion.empty());
  EXPECT_TRUE(motion.back().state & XCB_BUTTON_MASK_1);
  // Without both coordinates where the pointer is.
  EXPECT_EQ(bj::serialize(post("/mouse/up", {{"x", 5}})), R"({"x":90,"y":80})");
  EXPECT_EQ(x_->take(1), (std::vector{release(1)}));
  post("/mouse/down", {{"button", "right"}, {"x", nullptr}, {"y", nullptr}});
  EXPECT_EQ(bj::serialize(post("/mouse/up", at(7, 8, {{"button", "right"}}))), R"({"x":7,"y":8})");
  auto events = x_->take(2);
  EXPECT_EQ(events, (std::vector{press(3), release(3)}));
  EXPECT_EQ(events[1].at.x, 7);
  EXPECT_EQ(error("/mouse/down", {{"button", 1}}), "Invalid mouse button parameters");
  EXPECT_EQ(error("/mouse/up", {{"button", "x"}}),
            "unsupported mouse button \"x\": expected one of left, right, middle");
}

TEST_F(InputTest, KeysStayDownUntilTheyAreReleased) {
  EXPECT_EQ(bj::serialize(post("/keyboard/down", {{"key", "Shift"}})), "{}");
  EXPECT_EQ(x_->take(1), (std::vector{down(0xffe1)}));
  post("/mouse/click", at(10, 10));
  auto clicked = x_->take(2);
  ASSERT_EQ(clicked.size(), 2u);
  EXPECT_TRUE(clicked[0].state & XCB_MOD_MASK_SHIFT);
  EXPECT_EQ(bj::serialize(post("/keyboard/up", {{"key", "shift"}})), "{}");
  EXPECT_EQ(x_->take(1), (std::vector{up(0xffe1)}));
  EXPECT_EQ(error("/keyboard/down", {{"key", "!"}}),
            "unsupported key \"!\"; use press(\"1\", [\"shift\"]) for a shifted key or type(\"!\") for text");
  EXPECT_EQ(error("/keyboard/up", {{"key", 1}}), "Invalid key");
}

// One that the layout does not have keeps its spare key as long as it is down.
TEST_F(InputTest, AHeldKeyKeepsItsSpareKey) {
  post("/keyboard/down", {{"key", "num5"}});
  EXPECT_EQ(x_->take(1), (std::vector{down(0xffb5)}));
  std::u32string all;
  std::string text;
  for (char32_t c = 0x430; c < 0x430 + 32; ++c) {  // more than there are spare keys
    all += c;
    text += static_cast<char>(0xc0 | c >> 6);
    text += static_cast<char>(0x80 | (c & 0x3f));
  }
  EXPECT_EQ(typed(text), all);
  post("/keyboard/up", {{"key", "num5"}});
  auto events = x_->take(1);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), up(0xffb5));
}

// Input takes turns; looking does not wait for it.
TEST_F(InputTest, InputIsSerialised) {
  TaskScope both("both");
  bool dragged = false, typed_in = false, seen = false, seen_first = false;
  // outlives: run_until below waits for all of them
  auto in_background = [this](std::string path, std::string body, bool& done, bool* before = nullptr,
                              const bool* other = nullptr) -> Task<void> {
    auto reply = co_await request(body.empty() ? "GET" : "POST", std::move(path), std::move(body));
    EXPECT_TRUE(reply.has_value() && reply->status == 200);
    if (before) *before = !*other;
    done = true;
  };
  // outlives: waited for here
  auto all = [&]() -> Task<void> {
    both.spawn(in_background("/mouse/drag", R"({"startX":10,"startY":10,"endX":200,"endY":200})", dragged));
    both.spawn(in_background("/keyboard/type", R"({"text":"hello"})", typed_in));
    both.spawn(in_background("/screenshot", "", seen, &seen_first, &dragged));
    co_await both.join();
  };
  loop_.run_until(all());
  EXPECT_TRUE(dragged && typed_in && seen && seen_first);
  auto events = x_->take(4 + 10);
  ASSERT_EQ(events.size(), 14u);
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].type >= XCB_BUTTON_PRESS, i < 4) << i;
}

}  // namespace
}  // namespace dt::desktop
