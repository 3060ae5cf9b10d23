// Displays, windows and screenshots against a real X server (Xvfb).
#include "apps/daemon/desktop/program/x11/screen.h"

#include <X11/Xauth.h>
#include <unistd.h>

#include <cstring>

#include "apps/daemon/desktop/program/x11/decode_testing.h"
#include "apps/daemon/desktop/program/x11/desktop_testing.h"
#include "apps/daemon/desktop/program/x11/x_server.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

namespace bj = boost::json;

class Screen : public DesktopTest {
 public:
  void SetUp() override {
    DesktopTest::SetUp();
    // Every corner another colour.
    client_on_screen_ = std::make_unique<XClient>(server_->display(), Rect{0, 0, 640, 480}, "painted");
    client_on_screen_->fill({0, 0, 320, 240}, 0xff8000);
    client_on_screen_->fill({320, 0, 320, 240}, 0x00c0ff);
    client_on_screen_->fill({0, 240, 320, 240}, 0x102030);
    client_on_screen_->fill({320, 240, 320, 240}, 0xffffff);
    client_on_screen_->fill({100, 50, 1, 1}, 0x123456);
  }
  void TearDown() override {
    client_on_screen_.reset();
    DesktopTest::TearDown();
  }
  static std::string bytes(const bj::object& answer) {
    return base64_decode(answer.at("screenshot").as_string().c_str()).value_or("");
  }
  static std::pair<int64_t, int64_t> cursor(const bj::object& answer) {
    const bj::object& at = answer.at("cursorPosition").as_object();
    return {at.at("x").as_int64(), at.at("y").as_int64()};
  }
  std::unique_ptr<XClient> client_on_screen_;
};

TEST_F(Screen, DisplayInfo) {
  auto displays = get("/display/info").at("displays").as_array();
  ASSERT_EQ(displays.size(), 1u);
  EXPECT_EQ(bj::serialize(displays[0]), R"({"id":0,"x":0,"y":0,"width":640,"height":480,"isActive":true})");
}

TEST_F(Screen, FullScreenshotShowsWhatWasDrawn) {
  auto answer = get("/screenshot");
  EXPECT_FALSE(answer.contains("sizeBytes"));
  EXPECT_EQ(cursor(answer), std::pair(int64_t{0}, int64_t{0}));
  Picture picture = decode_png(bytes(answer));
  ASSERT_EQ(picture.width, 640);
  ASSERT_EQ(picture.height, 480);
  EXPECT_EQ(colour(picture, 0, 0), 0xff8000u);
  EXPECT_EQ(colour(picture, 639, 0), 0x00c0ffu);
  EXPECT_EQ(colour(picture, 0, 479), 0x102030u);
  EXPECT_EQ(colour(picture, 639, 479), 0xffffffu);
  EXPECT_EQ(colour(picture, 100, 50), 0x123456u);
  EXPECT_EQ(colour(picture, 101, 50), 0xff8000u);
  EXPECT_EQ(colour(picture, 319, 239), 0xff8000u);
  EXPECT_EQ(colour(picture, 320, 240), 0xffffffu);
}

TEST_F(Screen, RegionScreenshot) {
  auto answer = get("/screenshot/region?x=310&y=230&width=30&height=20");
  EXPECT_EQ(cursor(answer), std::pair(int64_t{310}, int64_t{230}));
  Picture picture = decode_png(bytes(answer));
  ASSERT_EQ(picture.width, 30);
  ASSERT_EQ(picture.height, 20);
  EXPECT_EQ(colour(picture, 9, 9), 0xff8000u);
  EXPECT_EQ(colour(picture, 10, 9), 0x00c0ffu);
  EXPECT_EQ(colour(picture, 9, 10), 0x102030u);
  EXPECT_EQ(colour(picture, 10, 10), 0xffffffu);
}

TEST_F(Screen, RegionBeyondTheScreenIsBlackThere) {
  Picture picture = decode_png(bytes(get("/screenshot/region?x=-10&y=-10&width=20&height=20")));
  EXPECT_EQ(colour(picture, 9, 19), 0u);
  EXPECT_EQ(colour(picture, 10, 10), 0xff8000u);
  picture = decode_png(bytes(get("/screenshot/region?x=5000&y=5000&width=3&height=4")));
  EXPECT_EQ(picture.width, 3);
  EXPECT_EQ(colour(picture, 2, 3), 0u);
  EXPECT_NE(
      text(get("/screenshot/region?x=0&y=0&width=100000&height=100000", 400), "error").find("too large"),
      std::string::npos);
}

TEST_F(Screen, CompressedScreenshots) {
  auto png = get("/screenshot/compressed");
  EXPECT_FALSE(png.contains("cursorPosition"));
  EXPECT_EQ(png.at("sizeBytes").as_int64(), static_cast<int64_t>(bytes(png).size()));
  EXPECT_EQ(decode_png(bytes(png)).width, 640);
  auto jpeg = get("/screenshot/compressed?format=jpeg&quality=90&scale=0.5");
  EXPECT_EQ(jpeg.at("sizeBytes").as_int64(), static_cast<int64_t>(bytes(jpeg).size()));
  Picture picture = decode_jpeg(bytes(jpeg));
  ASSERT_EQ(picture.width, 320);
  ASSERT_EQ(picture.height, 240);
  EXPECT_NEAR(picture.at(40, 60)[0], 0xff, 4);
  EXPECT_NEAR(picture.at(40, 60)[1], 0x80, 4);
  EXPECT_NEAR(picture.at(200, 60)[2], 0xff, 4);
  EXPECT_LT(bytes(get("/screenshot/compressed?format=jpeg&quality=5")).size(),
            bytes(get("/screenshot/compressed?format=jpeg&quality=100")).size());
  // An unknown format is a PNG as it is.
  EXPECT_EQ(decode_png(bytes(get("/screenshot/compressed?format=gif&scale=0.5"))).width, 640);
}

TEST_F(Screen, CompressedRegion) {
  auto answer = get("/screenshot/region/compressed?x=320&y=0&width=100&height=50&scale=0.5&format=png");
  Picture picture = decode_png(bytes(answer));
  EXPECT_EQ(picture.width, 50);
  EXPECT_EQ(picture.height, 25);
  EXPECT_EQ(colour(picture, 0, 0), 0x00c0ffu);
}

TEST_F(Screen, CursorIsDrawnAndReported) {
  post("/mouse/move", {{"x", 200}, {"y", 100}});
  auto answer = get("/screenshot?showCursor=true");
  EXPECT_EQ(cursor(answer), std::pair(int64_t{200}, int64_t{100}));
  Picture picture = decode_png(bytes(answer));
  EXPECT_EQ(colour(picture, 200, 100), 0xff0000u);
  EXPECT_EQ(colour(picture, 210, 100), 0u);
  EXPECT_EQ(colour(picture, 210, 101), 0xffffffu);
  EXPECT_EQ(colour(picture, 221, 100), 0xff8000u);
  answer = get("/screenshot/region?x=190&y=90&width=20&height=20&show_cursor=1");
  EXPECT_EQ(cursor(answer), std::pair(int64_t{200}, int64_t{100}));
  EXPECT_EQ(colour(decode_png(bytes(answer)), 10, 10), 0xff0000u);
  answer = get("/screenshot/region?x=300&y=300&width=20&height=20&showCursor=true");
  Picture elsewhere = decode_png(bytes(answer));
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) EXPECT_EQ(colour(elsewhere, x, y), 0x102030u);
  EXPECT_EQ(cursor(get("/screenshot/compressed?showCursor=true&scale=0.5")),
            std::pair(int64_t{100}, int64_t{50}));
  EXPECT_EQ(
      cursor(get("/screenshot/region/compressed?x=100&y=50&width=200&height=200&showCursor=t&scale=0.5")),
      std::pair(int64_t{150}, int64_t{75}));
}

TEST_F(Screen, ErrorsOfParameters) {
  auto answer = get("/screenshot/region?x=1&y=2&width=3", 400);
  EXPECT_EQ(text(answer, "error"), "missing required query parameter: height");
  EXPECT_EQ(text(answer, "message"), text(answer, "error"));
  EXPECT_EQ(text(answer, "code"), "BAD_REQUEST");
  EXPECT_EQ(text(get("/screenshot/compressed?quality=0", 400), "error"),
            "invalid query parameter quality: must be between 1 and 100");
}

TEST_F(Screen, WindowsOfAWindowManager) {
  XClient& manager = *client_on_screen_;
  XClient one(server_->display(), {10, 20, 300, 200}, "caf\xe9"),
      two(server_->display(), {50, 60, 70, 80}, "plain");
  two.set_text(two.window(), two.atom("_NET_WM_NAME"), two.atom("UTF8_STRING"), "Überschrift – 文字");
  manager.set_windows(manager.root(), "_NET_SUPPORTING_WM_CHECK", {manager.window()});
  manager.set_windows(manager.root(), "_NET_CLIENT_LIST", {one.window(), two.window(), 0x7fffff});
  manager.set_windows(manager.root(), "_NET_ACTIVE_WINDOW", {two.window()});
  two.sync();
  auto windows = get("/display/windows").at("windows").as_array();
  ASSERT_EQ(windows.size(), 2u);  // the third does not exist
  EXPECT_EQ(bj::serialize(windows[0]),
            "{\"id\":" + std::to_string(one.window()) +
                ",\"title\":\"café\",\"x\":10,\"y\":20,\"width\":300,\"height\":200,\"isActive\":false}");
  EXPECT_EQ(bj::serialize(windows[1]),
            "{\"id\":" + std::to_string(two.window()) +
                ",\"title\":\"Überschrift – "
                "文字\",\"x\":50,\"y\":60,\"width\":70,\"height\":80,\"isActive\":true}");
}

TEST_F(Screen, WindowsWithoutAWindowManager) {
  EXPECT_TRUE(get("/display/windows").at("windows").as_array().empty());  // menus and the like are not listed
  uint32_t managed = 0;
  xcb_change_window_attributes(client_on_screen_->xcb(), client_on_screen_->window(),
                               XCB_CW_OVERRIDE_REDIRECT, &managed);
  client_on_screen_->sync();
  auto windows = get("/display/windows").at("windows").as_array();
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(text(windows[0].as_object(), "title"), "painted");
  EXPECT_TRUE(windows[0].as_object().at("isActive").as_bool());
}

TEST_F(Screen, UnknownPathsAreNotFound) {
  EXPECT_EQ(call("GET", "/display/nothing").status, 404);
  EXPECT_EQ(call("POST", "/display/info").status, 404);
}

TEST_F(Screen, WithoutAnXServer) {
  client_on_screen_.reset();
  server_->end();
  EXPECT_TRUE(get("/display/info").at("displays").as_array().empty());
  for (const char* path : {"/display/windows", "/screenshot", "/screenshot/compressed", "/mouse/position"})
    EXPECT_NE(text(get(path, 400), "error").find("no X server is running"), std::string::npos) << path;
  EXPECT_NE(error("/mouse/move", {{"x", 1}, {"y", 1}}).find("/computeruse/start"), std::string::npos);
  EXPECT_NE(error("/keyboard/type", {{"text", "a"}}).find("no X server is running"), std::string::npos);
  // What is wrong with a request is said all the same.
  EXPECT_EQ(error("/keyboard/key", {{"key", ""}}), "unsupported key \"\": empty key token");
}

TEST_F(Screen, ARestartedXServerIsFoundAgain) {
  EXPECT_EQ(decode_png(bytes(get("/screenshot"))).width, 640);
  get("/mouse/position");
  client_on_screen_.reset();
  std::string display = server_->display();
  server_->end();
  server_ = std::make_unique<Xvfb>("800x600x24", display);
  EXPECT_EQ(decode_png(bytes(get("/screenshot"))).width, 800);
  EXPECT_EQ(post("/mouse/move", {{"x", 790}, {"y", 590}}).at("x").as_int64(), 790);
}

TEST_F(Screen, SixteenBitsOfColour) {
  client_on_screen_.reset();
  std::string display = server_->display();
  server_->end();
  server_ = std::make_unique<Xvfb>("320x200x16", display);
  XClient painter(display, {0, 0, 320, 200});
  painter.fill({0, 0, 160, 200}, 0xf800);  // red in 5-6-5
  painter.fill({160, 0, 160, 200}, 0x07e0);
  Picture picture = decode_png(bytes(get("/screenshot")));
  EXPECT_EQ(colour(picture, 10, 10), 0xff0000u);
  EXPECT_EQ(colour(picture, 200, 199), 0x00ff00u);
}

// The server lets in who knows its cookie.
TEST_F(Screen, CookiesOfXauthority) {
  char path[] = "/tmp/x11-test-XXXXXX";
  Fd file(::mkstemp(path));
  client_on_screen_.reset();
  std::string display = server_->display(), number = display.substr(1), cookie(16, 'c'),
              name = "MIT-MAGIC-COOKIE-1";
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  Xauth entry{FamilyLocal,   static_cast<unsigned short>(std::strlen(host)),
              host,          static_cast<unsigned short>(number.size()),
              number.data(), static_cast<unsigned short>(name.size()),
              name.data(),   static_cast<unsigned short>(cookie.size()),
              cookie.data()};
  std::FILE* out = ::fopen(path, "wb");
  EXPECT_TRUE(::XauWriteAuth(out, &entry));
  ::fclose(out);
  server_->end();
  server_ = std::make_unique<Xvfb>("640x480x24", display, std::vector<std::string>{"-auth", path});
  ::setenv("XAUTHORITY", "/nonexistent", 1);
  EXPECT_NE(text(get("/screenshot", 400), "error").find("look at XAUTHORITY"), std::string::npos);
  ::setenv("XAUTHORITY", path, 1);
  EXPECT_EQ(decode_png(bytes(get("/screenshot"))).width, 640);
  ::unsetenv("XAUTHORITY");
  ::unlink(path);
}

Task<Result<Picture>> shoot(XServer& server) {
  return server.run([](Connection& x) { return capture(x, {0, 0, 10, 10}); });
}

// The server is stopped, before we connect and after: neither waits for ever, and afterwards all is well
// again.
TEST_F(Screen, AServerThatDoesNotAnswer) {
  XServer server(server_->display(), Millis(100));
  server_->signal(SIGSTOP);
  auto unconnected = loop_.run_until(shoot(server));
  ASSERT_FALSE(unconnected.has_value());
  EXPECT_EQ(unconnected.error().code, Code::bad_request);
  server_->signal(SIGCONT);
  XServer patient(server_->display());
  ASSERT_TRUE(loop_.run_until(shoot(patient)).has_value());
  auto again = loop_.run_until(shoot(server));
  while (!again) again = loop_.run_until(shoot(server));  // a loaded machine needs more than the limit
  server_->signal(SIGSTOP);
  auto connected = loop_.run_until(shoot(server));
  ASSERT_FALSE(connected.has_value());
  EXPECT_NE(connected.error().message.find("stopped answering"), std::string::npos);
  server_->signal(SIGCONT);
}

TEST(DisplayName, MustBeLocal) {
  Breaker breaker;
  for (const char* name : {"", "host:0", "tcp/localhost:0", ":x", ":1.2.3", ":-1", ":70000"}) {
    auto opened = Connection::open(name, breaker);
    ASSERT_FALSE(opened.has_value());
    EXPECT_NE(opened.error().message.find("DISPLAY must name an X server of this sandbox"), std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace dt::desktop
