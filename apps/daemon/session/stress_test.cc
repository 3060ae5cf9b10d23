// Many sessions at once; the daemon stays small and quiet.
#include "apps/daemon/testing_session.h"

namespace dt::daemon {
namespace {

struct Stress : SessionTest {
  // One session after the other inside, all sessions at once.
  static Task<void> one_session(Stress& t, int number, int commands) {
    std::string name = "s" + std::to_string(number);
    int status = co_await t.send("POST", "/process/session", "{\"sessionId\":\"" + name + "\"}");
    EXPECT_EQ(status, 201);
    for (int i = 0; i < commands; ++i) {
      bool async = i % 4 == 3;
      std::string text = "n=$((n+1)); echo " + name + " $n; echo e >&2";
      std::string body = exec_body(text, {{"runAsync", async}});
      ClientRequest request{.method = "POST",
                            .target = "/process/session/" + name + "/exec",
                            .headers = version("0.190.0"),
                            .body = body};
      auto reply = co_await t.client_.call(CallContext(), t.endpoint_, std::move(request));
      if (!reply) {
        ADD_FAILURE() << reply.error().message;
        co_return;
      }
      EXPECT_EQ(reply->status, async ? 202 : 200);
      Outcome seen = outcome(*reply);
      if (async) continue;
      EXPECT_EQ(seen.out, name + " " + std::to_string(i + 1) + "\n");
      EXPECT_EQ(seen.err, "e\n");
    }
    t.done_ += commands;
  }
  Task<int> send(std::string method, std::string target, std::string body = "") {
    ClientRequest request{.method = std::move(method), .target = std::move(target), .body = std::move(body)};
    auto reply = co_await client_.call(CallContext(), endpoint_, std::move(request));
    co_return reply ? reply->status : 0;
  }
  static Task<void> all(Stress& t, int sessions, int commands) {
    TaskScope scope("sessions");
    for (int i = 0; i < sessions; ++i) scope.spawn(one_session(t, i, commands));
    co_await scope.join();
  }
  static Task<void> remove_all(Stress& t, int sessions) {
    TaskScope scope("sessions");
    auto one = [](Stress& s, int i) -> Task<void> {
      int status = co_await s.send("DELETE", "/process/session/s" + std::to_string(i));
      EXPECT_EQ(status, 204);
    };
    for (int i = 0; i < sessions; ++i) scope.spawn(one(t, i));
    co_await scope.join();
  }
  // Pipes, FIFOs, files; without sockets, because the client keeps connections.
  static size_t descriptors() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (!std::filesystem::read_symlink(entry, gone).string().starts_with("socket:")) ++count;
    }
    return count;
  }
  int done_ = 0;
};

TEST_F(Stress, AHundredSessionsWithAHundredCommandsEach) {
  size_t before = descriptors();
  loop_.run_until(all(*this, 100, 100));
  EXPECT_EQ(done_, 10'000);
  EXPECT_EQ(json(get("/process/session")).as_array().size(), 100u);
  loop_.run_until(remove_all(*this, 100));
  for (int i = 0; i < 100 && descriptors() > before; ++i) sleep(Millis(100));
  EXPECT_LE(descriptors(), before);
  EXPECT_EQ(daemon_->children(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(home_ + "/.daytona/sessions"));
}

TEST_F(Stress, SessionsComeAndGo) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(create("s").status, 201);
    ASSERT_EQ(run("sleep 100 >/dev/null 2>&1 & echo x").out, "x\n");
    ASSERT_EQ(call("DELETE", "/process/session/s").status, 204);
  }
  sleep(Millis(100));
  EXPECT_EQ(daemon_->children(), 0u);
}

}  // namespace
}  // namespace dt::daemon
