// The daemon and its computer-use processes, on a real X server (Xvfb).
#include <signal.h>

#include <fstream>
#include <functional>
#include <thread>

#include "apps/daemon/desktop/xvfb_testing.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

class DesktopCompanionsTest : public DaemonTest {
 public:
  void configure(Config& config) override {
    for (char** entry = environ; *entry; ++entry)
      if (!std::string_view(*entry).starts_with("DISPLAY=")) texts_.emplace_back(*entry);
    texts_.push_back("DISPLAY=" + server_.display());
    for (const std::string& text : texts_) block_.push_back(text.c_str());
    block_.push_back(nullptr);
    config.environment = block_.data();
  }

  // Our children that are companions in this mode.
  static std::vector<pid_t> companions(std::string_view mode) {
    std::vector<pid_t> out;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      auto pid = parse_int(entry.path().filename().string());
      if (!pid) continue;
      std::ifstream words(entry.path() / "cmdline"), status(entry.path() / "status");
      std::string line, text((std::istreambuf_iterator<char>(words)), {});
      if (text != "daytona-desktop" + std::string(1, '\0') + std::string(mode) + std::string(1, '\0'))
        continue;
      while (std::getline(status, line))
        if (line == "PPid:\t" + std::to_string(::getpid())) out.push_back(static_cast<pid_t>(*pid));
    }
    return out;
  }
  static bool waited_for(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) ::usleep(10'000);
    return condition();
  }
  int64_t width() {
    Reply reply = get("/computeruse/display/info");
    EXPECT_EQ(reply.status, 200) << reply.body;
    auto displays = json(reply).at("displays").as_array();
    return displays.empty() ? 0 : displays[0].at("width").as_int64();
  }

 private:
  Xvfb server_{"640x480x24"};
  std::vector<std::string> texts_;
  std::vector<const char*> block_;
};

TEST_F(DesktopCompanionsTest, NothingRunsBeforeTheFirstRequest) {
  EXPECT_TRUE(companions("x11").empty());
  EXPECT_EQ(width(), 640);
  EXPECT_EQ(companions("x11").size(), 1u);
  EXPECT_TRUE(companions("accessibility").empty());
  EXPECT_EQ(width(), 640);
  EXPECT_EQ(companions("x11").size(), 1u);
}

TEST_F(DesktopCompanionsTest, RequestsAndAnswersPassThrough) {
  Reply shot = get("/computeruse/screenshot/region?x=0&y=0&width=64&height=48");
  EXPECT_EQ(shot.status, 200);
  EXPECT_EQ(shot.headers.get_or("Content-Type"), "application/json; charset=utf-8");
  EXPECT_TRUE(base64_decode(member(shot, "screenshot"))->starts_with("\x89PNG"));
  Reply moved = post("/computeruse/mouse/move", R"({"x":3,"y":4})");
  EXPECT_EQ(moved.body, R"({"x":3,"y":4})");
  Reply wrong = post("/computeruse/keyboard/hotkey", R"({"keys":"ctrl++c"})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(member(wrong, "error"), "invalid hotkey \"ctrl++c\": empty key token");
  EXPECT_EQ(member(wrong, "path"), "/computeruse/keyboard/hotkey");
  EXPECT_EQ(get("/computeruse/mouse/nothing").status, 404);
  EXPECT_EQ(post("/computeruse/display/info").status, 404);
}

TEST_F(DesktopCompanionsTest, ACompanionThatDiedIsStartedAgain) {
  EXPECT_EQ(width(), 640);
  for (int i = 0; i < 3; ++i) {
    auto old = companions("x11");
    ASSERT_EQ(old.size(), 1u);
    ::kill(old[0], SIGKILL);
    ASSERT_TRUE(waited_for([old] { return companions("x11") != old; }));
    EXPECT_EQ(width(), 640);
  }
}

// A request that runs while its process dies is answered, and the next one is served.
TEST_F(DesktopCompanionsTest, ARequestInFlightGetsAnAnswer) {
  EXPECT_EQ(width(), 640);
  auto victims = companions("x11");
  ASSERT_EQ(victims.size(), 1u);
  ASSERT_EQ(::kill(victims[0], SIGSTOP), 0);  // so that it cannot answer
  std::thread killer([pid = victims[0]] {
    ::usleep(200'000);
    ::kill(pid, SIGKILL);
  });
  Reply reply = post("/computeruse/keyboard/type", R"({"text":"hello"})");
  killer.join();
  // 503 when it can be told that the process never read the request.
  EXPECT_TRUE(reply.status == 502 || reply.status == 503) << reply.status;
  EXPECT_NE(member(reply, "error").find("the computer-use process ended"), std::string::npos);
  EXPECT_EQ(member(reply, "message"), member(reply, "error"));
  EXPECT_EQ(width(), 640);
}

TEST_F(DesktopCompanionsTest, AnotherDisplayGetsAnotherProcess) {
  EXPECT_EQ(width(), 640);
  auto old = companions("x11");
  Xvfb second("320x240x24");
  EXPECT_EQ(post("/env", bj::serialize(bj::object{{"set", {{"DISPLAY", second.display()}}}})).status, 200);
  EXPECT_EQ(width(), 320);
  EXPECT_TRUE(waited_for([this] {  // the old one ends by itself
    get("/version");
    return companions("x11").size() == 1;
  }));
  EXPECT_NE(companions("x11"), old);
  EXPECT_EQ(post("/env", R"({"set":{"DISPLAY":":nonsense"}})").status, 200);
  Reply refused = get("/computeruse/screenshot");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(member(refused, "error").find("DISPLAY must name an X server"), std::string::npos);
}

TEST_F(DesktopCompanionsTest, ManyScreenshotsAtOnce) {
  std::vector<int> statuses;
  // outlives: waited for below
  auto one = [&]() -> Task<void> {
    ClientRequest request{.method = "GET", .target = "/computeruse/screenshot", .headers = {}, .body = {}};
    auto reply = co_await client_.call(CallContext(), endpoint_, std::move(request), 64u << 20);
    statuses.push_back(reply ? reply->status : 0);
  };
  TaskScope scope("screenshots");
  // outlives: waited for here
  auto all = [&]() -> Task<void> {
    for (int i = 0; i < 30; ++i) scope.spawn(one());
    co_await scope.join();
  };
  loop_.run_until(all());
  EXPECT_EQ(statuses, std::vector<int>(30, 200));
  EXPECT_EQ(companions("x11").size(), 1u);
}

class IdleCompanionsTest : public DesktopCompanionsTest {
 public:
  void configure(Config& config) override {
    DesktopCompanionsTest::configure(config);
    config.desktop_idle = Millis(100);
  }
};

TEST_F(IdleCompanionsTest, EndWhenNobodyAsksAndStartAgain) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(width(), 640);
    EXPECT_TRUE(waited_for([this] {
      get("/version");
      return companions("x11").empty();
    }));
  }
}

// A request that takes longer than that is not cut off.
TEST_F(IdleCompanionsTest, AreNotIdleWhileARequestRuns) {
  Reply typed = post("/computeruse/keyboard/type", R"({"text":"abcdefghij","delay":50})");
  EXPECT_EQ(typed.status, 200) << typed.body;
}

}  // namespace
}  // namespace dt::daemon
