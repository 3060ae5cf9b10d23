// Many terminals, many clients, much output: nothing is lost, nobody is held up for ever, memory stays flat.
#include "apps/daemon/pty_testing.h"

namespace dt::daemon {
namespace {

// Resident memory of this process, which is client and daemon, in KiB.
int64_t resident() {
  auto text = read_file("/proc/self/status");
  size_t at = text->find("VmRSS:");
  return at == std::string::npos ? 0 : std::atoll(text->c_str() + at + 6);
}

struct PtyLoadTest : PtyDaemonTest {
  std::unique_ptr<PtyClient> create(std::string id) { return attach("/process/pty/create-connect?id=" + id); }
  static Task<void> join(TaskScope& scope) { co_await scope.join(); }
  // After the returned client typed it, so many bytes come, and nothing else.
  static std::string zeros(int64_t megabytes) {
    return "stty raw -echo; head -c " + std::to_string(megabytes) + "M /dev/zero; exit 9\n";
  }
};

TEST_F(PtyLoadTest, MuchOutputWithFlatMemory) {
  auto client = create("big");
  client->until("");
  int64_t before = resident();
  client->keep_output = false;
  client->type(zeros(200));
  client->finish();
  EXPECT_GE(client->received, 200u << 20);
  EXPECT_EQ(client->close_reason, R"({"exitCode":9,"exitReason":"non-zero exit"})");
  if (!kSanitized) EXPECT_LT(resident() - before, 8 * 1024);
}

TEST_F(PtyLoadTest, FiftyTerminals) {
  std::vector<std::unique_ptr<PtyClient>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(create("t" + std::to_string(i)));
  EXPECT_EQ(json(get("/process/pty")).as_object()["sessions"].as_array().size(), 50u);
  int64_t before = resident();
  for (auto& client : clients) {
    client->keep_output = false;
    client->type(zeros(2));
    client->start_reading();
  }
  for (auto& client : clients) {
    client->finish();
    EXPECT_GE(client->received, 2u << 20);
    EXPECT_EQ(client->close_reason, R"({"exitCode":9,"exitReason":"non-zero exit"})");
  }
  if (!kSanitized) EXPECT_LT(resident() - before, 16 * 1024);
  EXPECT_EQ(json(get("/process/pty")).as_object()["sessions"].as_array().size(), 0u);
}

TEST_F(PtyLoadTest, LoneClientMayPauseAsLongAsItLikes) {
  auto client = create("pause");
  client->type(zeros(4));
  int64_t before = resident();
  sleep(Millis(4'000));
  if (!kSanitized) EXPECT_LT(resident() - before, 1024);
  client->keep_output = false;
  client->finish();
  EXPECT_GE(client->received, 4u << 20);
  EXPECT_EQ(client->close_reason, R"({"exitCode":9,"exitReason":"non-zero exit"})");
}

TEST_F(PtyLoadTest, ClientThatDoesNotReadIsClosedWhenOthersWait) {
  auto deaf = create("slow");
  std::vector<std::unique_ptr<PtyClient>> others;
  for (int i = 0; i < 9; ++i) others.push_back(attach("/process/pty/slow/connect"));
  for (auto& client : others) client->keep_output = false;
  others[0]->type(zeros(8));
  for (auto& client : others) client->start_reading();
  for (auto& client : others) {
    client->finish();
    EXPECT_GE(client->received, 8u << 20);
    EXPECT_EQ(client->close_reason, R"({"exitCode":9,"exitReason":"non-zero exit"})");
  }
  deaf->finish();
  EXPECT_EQ(deaf->close_code, 1008);
  EXPECT_EQ(deaf->close_reason, "slow consumer");
  EXPECT_LT(deaf->received, 8u << 20);
}

TEST_F(PtyLoadTest, ClientsVanishInTheMiddleOfTheStream) {
  auto watcher = create("gone");
  watcher->keep_output = false;
  watcher->start_reading();
  for (int i = 0; i < 5; ++i) {
    auto client = attach("/process/pty/gone/connect");
    client->keep_output = false;
    if (i == 0) client->type("stty raw -echo; head -c 20M /dev/zero; exit 9\n");
    uint64_t already = client->received;
    client->until_received(already + 100'000);
    client.reset();
  }
  watcher->finish();
  EXPECT_GE(watcher->received, 20u << 20);
  EXPECT_EQ(watcher->close_reason, R"({"exitCode":9,"exitReason":"non-zero exit"})");
}

TEST_F(PtyLoadTest, OnlyClientVanishesAndTheProgramGoesOn) {
  auto client = create("alone");
  client->type("stty raw -echo; head -c 20M /dev/zero; touch " + at("through") + "\n");
  client->until_received(100'000);
  client.reset();
  for (int i = 0; i < 500 && !std::filesystem::exists(at("through")); ++i) sleep(Millis(20));
  EXPECT_TRUE(std::filesystem::exists(at("through")));
  EXPECT_EQ(json(get("/process/pty/alone")).as_object()["active"], true);
  auto again = attach("/process/pty/alone/connect");
  again->type("stty sane\recho ba\"ck\"; exit\r");
  again->finish();
  EXPECT_NE(again->output.find("back"), std::string::npos);
  EXPECT_LE(again->received, 80u * 1024);
}

TEST_F(PtyLoadTest, DeleteDoesNotWaitForAClientThatDoesNotRead) {
  auto client = create("stuck");
  client->type("yes\n");
  sleep(Millis(500));
  EXPECT_EQ(call("DELETE", "/process/pty/stuck").status, 200);
  sleep(Millis(2'500));
  client->keep_output = false;
  client->finish();
  EXPECT_LT(client->received, 4u << 20);
}

TEST_F(PtyLoadTest, ManyShortSessionsLeaveNothing) {
  auto descriptors = [] {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  create("first")->leave();
  auto before = descriptors();
  for (int i = 0; i < 100; ++i) {
    auto client = create("s" + std::to_string(i));
    client->type("exit\n");
    client->finish();
  }
  EXPECT_LE(descriptors(), before + 2);
  EXPECT_EQ(daemon_->children(), 1u);
}

struct PtyEndTest : PtyLoadTest {
  void configure(Config& config) override {
    PtyLoadTest::configure(config);
    config.drain_time = Millis(60'000);
  }
};

TEST_F(PtyEndTest, OpenTerminalsAreNotWaitedFor) {
  auto session = create("open");
  auto web = attach("/proxy/22222/ws", {}, "");
  web->text_is_output = true;
  for (PtyClient* client : {session.get(), web.get()}) {
    client->type("echo rea\"dy\"\n");
    client->until("ready");
    client->start_reading();
  }
  Mono start = std::chrono::steady_clock::now();
  daemon_->stop();
  loop_.run_until(join(*scope_));
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis(30'000));
}

}  // namespace
}  // namespace dt::daemon
