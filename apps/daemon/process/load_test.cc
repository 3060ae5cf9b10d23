// What many commands at once cost the real program.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "apps/daemon/testing.h"
#include "libs/base/fd.h"

namespace dt::daemon {
namespace {

class Load : public ::testing::Test {
 public:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
    char name[] = "/tmp/daemon-load-XXXXXX";
    dir_ = ::mkdtemp(name);
    endpoint_ = *Endpoint::parse("unix:" + dir_ + "/s.sock");
    std::string program = DT_DAEMON_BINARY, flag = "--listen", at = endpoint_.str(), home = "HOME=" + dir_;
    char* argv[] = {program.data(), flag.data(), at.data(), nullptr};
    const char* env[] = {"PATH=/usr/bin:/bin", "LOG_LEVEL=error", home.c_str(), nullptr};
    CHECK(::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, argv, const_cast<char**>(env)) == 0);
    for (int i = 0; i < 500 && execute("true").empty(); ++i) ::usleep(10'000);
  }
  void TearDown() override {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(dir_);
  }
  std::string execute(std::string command) {
    std::vector<size_t> sizes;
    std::string body;
    loop_.run_until(one(*this, std::move(command), 0, sizes, &body));
    return body;
  }
  // Reads the answer piece by piece, so that only the daemon's memory counts; waits before it does.
  static Task<void> one(Load& t, std::string command, int wait_ms, std::vector<size_t>& sizes,
                        std::string* body = nullptr) {
    auto reply = co_await t.client_.send(
        CallContext(), t.endpoint_,
        ClientRequest{.method = "POST",
                      .target = "/process/execute",
                      .body = boost::json::serialize(boost::json::object{{"command", command}})});
    if (!reply) co_return;
    co_await Loop::current().sleep_for(Millis(wait_ms));
    size_t size = 0;
    for (;;) {
      auto piece = co_await reply->body().next();
      if (!piece || piece->empty()) break;
      size += piece->size();
      if (body) *body += *piece;
    }
    sizes.push_back(size);
  }
  std::vector<size_t> at_once(int count, std::string command, int wait_ms = 0) {
    std::vector<size_t> sizes;
    auto all = [&](Load& t) -> Task<void> {
      TaskScope scope("load");
      for (int i = 0; i < count; ++i) scope.spawn(one(t, command, wait_ms, sizes));
      co_await scope.join();
    };
    loop_.run_until(all(*this));
    return sizes;
  }
  long kib(const std::string& key) const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(key + ":")) return std::atol(line.c_str() + key.size() + 1);
    return -1;
  }

  std::string dir_;
  Endpoint endpoint_;
  pid_t pid_ = -1;
  Loop loop_;
  HttpClient client_;
};

TEST_F(Load, FiftyCommandsOfModerateOutput) {
  for (int round = 0; round < 5; ++round) {
    auto sizes = at_once(50, "head -c 200000 /dev/zero | tr '\\0' x; sleep 0.1", 100);
    ASSERT_EQ(sizes.size(), 50u);
    for (size_t size : sizes) EXPECT_EQ(size, 200'000u + 26);
  }
  EXPECT_LE(kib("VmHWM"), 16 * 1024);
  std::printf("peak %ld KiB, now %ld KiB\n", kib("VmHWM"), kib("VmRSS"));
  EXPECT_LE(kib("VmRSS"), 8 * 1024);
}

TEST_F(Load, OutputsJustBelowTheLimitOfMemory) {
  auto sizes = at_once(50, "head -c 48000 /dev/zero | tr '\\0' x; sleep 0.2", 200);
  ASSERT_EQ(sizes.size(), 50u);
  std::printf("peak %ld KiB, now %ld KiB\n", kib("VmHWM"), kib("VmRSS"));
  EXPECT_LE(kib("VmHWM"), 16 * 1024);
}

TEST_F(Load, ManyVeryLargeOutputsAtOnce) {
  auto sizes = at_once(16, "head -c 40000000 /dev/zero | tr '\\0' x");
  ASSERT_EQ(sizes.size(), 16u);
  for (size_t size : sizes) EXPECT_EQ(size, 40'000'000u + 26);
  std::printf("peak %ld KiB, now %ld KiB\n", kib("VmHWM"), kib("VmRSS"));
  EXPECT_LE(kib("VmHWM"), 16 * 1024);
}

}  // namespace
}  // namespace dt::daemon
