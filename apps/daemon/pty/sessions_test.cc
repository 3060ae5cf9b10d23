// PTY sessions through the real daemon: routes, frames, close codes (toolbox.md 15, clients.md 10.3).
#include <sys/stat.h>

#include "apps/daemon/pty_testing.h"

namespace dt::daemon {
namespace {

struct PtySessionsTest : PtyDaemonTest {};

TEST_F(PtySessionsTest, CreateLazyShowsInListAndStartsWithTheFirstConnection) {
  auto made = post("/process/pty",
                   R"({"id":"a b","envs":{"GREETING":"hello"},"cols":100,"rows":40,"lazyStart":true})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, R"({"sessionId":"a b"})");
  auto info = json(get("/process/pty/a%20b")).as_object();
  EXPECT_EQ(info["id"], "a b");
  EXPECT_EQ(info["cwd"], dir_.c_str());
  EXPECT_EQ(info["cols"], 100);
  EXPECT_EQ(info["rows"], 40);
  EXPECT_EQ(info["active"], false);
  EXPECT_EQ(info["lazyStart"], true);
  EXPECT_EQ(info["envs"].as_object()["TERM"], "xterm-256color");
  EXPECT_EQ(info["envs"].as_object()["GREETING"], "hello");
  EXPECT_TRUE(info["createdAt"].is_string());
  EXPECT_EQ(json(get("/process/pty")).as_object()["sessions"].as_array().size(), 1u);

  auto client = attach("/process/pty/a%20b/connect");
  EXPECT_EQ(json(get("/process/pty/a%20b")).as_object()["active"], true);
  client->type("echo \"$GREETING $TERM\"; stty size; pwd; tty; exit\n");
  client->finish();
  EXPECT_NE(client->output.find("hello xterm-256color\r\n40 100\r\n" + dir_ + "\r\n/dev/pts/"),
            std::string::npos)
      << client->output;
  EXPECT_EQ(client->close_code, 1000);
  EXPECT_EQ(client->close_reason, R"({"exitCode":0})");
  EXPECT_EQ(client->controls, std::vector<std::string>{R"({"status":"connected","type":"control"})"});
  EXPECT_EQ(get("/process/pty/a%20b").status, 404);
}

TEST_F(PtySessionsTest, DefaultsAndShellsArguments) {
  EXPECT_EQ(post("/process/pty", R"({"id":"d"})").status, 201);
  auto info = json(get("/process/pty/d")).as_object();
  EXPECT_EQ(info["cols"], 80);
  EXPECT_EQ(info["rows"], 24);
  EXPECT_EQ(info["active"], true);
  EXPECT_EQ(info["lazyStart"], false);
  auto client = attach("/process/pty/d/connect");
  client->type("tr '\\0' ' ' </proc/$$/cmdline; exit 7\n");
  client->finish();
  EXPECT_NE(client->output.find("sh -i -l "), std::string::npos) << client->output;
  EXPECT_EQ(client->close_code, 1011);
  EXPECT_EQ(client->close_reason, R"({"exitCode":7,"exitReason":"non-zero exit"})");
}

TEST_F(PtySessionsTest, OutputBeforeTheFirstConnectionIsNotLost) {
  for (auto name : {"/.bash_profile", "/.zprofile", "/.profile"}) put(dir_ + name, "echo from the profile\n");
  post("/process/pty", R"({"id":"p"})");
  sleep(Millis(300));
  auto client = attach("/process/pty/p/connect");
  client->until("from the profile");
}

TEST_F(PtySessionsTest, CreateRefuses) {
  auto error = [&](std::string body) {
    auto reply = post("/process/pty", body);
    auto object = json(reply).as_object();
    EXPECT_EQ(object["error"], object["message"]);
    EXPECT_EQ(object["statusCode"], reply.status);
    EXPECT_EQ(object["source"], "DAYTONA_DAEMON");
    return std::to_string(reply.status) + " " + std::string(object["error"].as_string());
  };
  EXPECT_EQ(error(""), "400 EOF");
  EXPECT_EQ(error("{}"), "400 session ID is required");
  EXPECT_TRUE(error("{").starts_with("400 "));
  EXPECT_TRUE(error(R"({"id":5})").starts_with("400 json: cannot unmarshal"));
  EXPECT_TRUE(error(R"({"id":"x","lazyStart":"yes"})").starts_with("400 json: cannot unmarshal"));
  EXPECT_EQ(error(R"({"id":"x","cols":1001})"), "400 invalid value for cols - must be less than 1000");
  EXPECT_EQ(error(R"({"id":"x","rows":4000000})"), "400 invalid value for rows - must be less than 1000");
  EXPECT_EQ(error(R"({"id":"x","cwd":"/no/such"})"), "500 failed to start PTY session");
  EXPECT_EQ(get("/process/pty/x").status, 404);
  EXPECT_EQ(post("/process/pty", R"({"id":"y","cols":1000,"rows":0,"lazyStart":true})").status, 201);
  EXPECT_EQ(error(R"({"id":"y"})"), "409 PTY session with ID 'y' already exists");
}

TEST_F(PtySessionsTest, UnknownIds) {
  auto reply = get("/process/pty/none");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(member(reply, "error"), "PTY session not found");
  EXPECT_EQ(call("DELETE", "/process/pty/none").status, 404);
  reply = post("/process/pty/none/resize", R"({"cols":1,"rows":1})");
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(member(reply, "error"), "PTY session none not found");
  auto client = attach("/process/pty/none/connect", {}, "");
  client->finish();
  ASSERT_EQ(client->controls.size(), 1u);
  EXPECT_EQ(
      client->controls[0],
      R"({"error":"Failed to connect to PTY session: PTY session none not found","status":"error","type":"control"})");
  EXPECT_EQ(client->close_code, 1006);
}

TEST_F(PtySessionsTest, ResizeReachesTheProgram) {
  post("/process/pty", R"({"id":"r","lazyStart":true})");
  auto reply = post("/process/pty/r/resize", R"({"cols":90,"rows":30})");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(member(reply, "error"), "cannot resize inactive PTY session");
  auto client = attach("/process/pty/r/connect");
  client->type("trap 'stty size' WINCH; echo rea\"dy\"\n");
  client->until("ready");
  reply = post("/process/pty/r/resize", R"({"cols":90,"rows":30})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(json(reply).as_object()["cols"], 90);
  EXPECT_EQ(json(get("/process/pty/r")).as_object()["rows"], 30);
  client->type("\n");
  client->until("30 90");
  EXPECT_EQ(member(post("/process/pty/r/resize", R"({"cols":1001,"rows":30})"), "error"),
            "cols must be less than 1000");
  EXPECT_EQ(member(post("/process/pty/r/resize", R"({"cols":10,"rows":1001})"), "error"),
            "rows must be less than 1000");
  EXPECT_EQ(post("/process/pty/r/resize", "").status, 400);
}

TEST_F(PtySessionsTest, NotAHandshake) {
  for (auto path : {"/process/pty/x/connect", "/process/pty/create-connect?id=q"}) {
    auto reply = get(path);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.headers.get_or("Content-Type"), "text/plain");
    EXPECT_EQ(reply.headers.get_or("Sec-WebSocket-Version"), "13");
  }
  EXPECT_EQ(get("/process/pty/q").status, 404);
}

struct ExitCase {
  const char* command;
  int close_code;
  const char* reason;
};

TEST_F(PtySessionsTest, ExitCodesInCloseReasonAndControlFrame) {
  const ExitCase cases[] = {
      {"exit 0", 1000, R"({"exitCode":0})"},
      {"exit 3", 1011, R"({"exitCode":3,"exitReason":"non-zero exit"})"},
      {"exit 130", 1011, R"({"exitCode":130,"exitReason":"Ctrl+C"})"},
      {"exit 137", 1011, R"({"exitCode":137,"exitReason":"SIGKILL"})"},
      {"exit 143", 1011, R"({"exitCode":143,"exitReason":"SIGTERM"})"},
      {"exit 139", 1011, R"({"exitCode":139,"exitReason":"signal 11"})"},
      {"kill -9 $$", 1011, R"({"exitCode":-1,"exitReason":"non-zero exit"})"},
  };
  for (const ExitCase& c : cases) {
    post("/process/pty", R"({"id":"e","lazyStart":true})");
    auto client = attach("/process/pty/e/connect", {"X-Daytona-Pty-Exit-Control"});
    EXPECT_EQ(client->protocol, "X-Daytona-Pty-Exit-Control");
    client->type(std::string(c.command) + "\n");
    client->finish();
    EXPECT_EQ(client->close_code, c.close_code) << c.command;
    EXPECT_EQ(client->close_reason, c.reason) << c.command;
    ASSERT_EQ(client->controls.size(), 2u) << c.command;
    EXPECT_EQ(client->controls[1],
              R"({"type":"control","status":"exited",)" + std::string(c.reason).substr(1));
  }
}

TEST_F(PtySessionsTest, DeleteKillsEveryDescendant) {
  post("/process/pty", R"({"id":"k"})");
  auto client = attach("/process/pty/k/connect", {"X-Daytona-Pty-Exit-Control"});
  client->type(
      "nohup sleep 1111 >/dev/null & disown; (trap '' HUP TERM; sleep 1112 &) ; setsid sleep 1113 & "
      "sleep 1114 | cat & echo pids $(jobs -p) sta\"rted\"\n");
  client->until("started");
  auto reply = call("DELETE", "/process/pty/k");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"message":"PTY session deleted"})");
  EXPECT_EQ(get("/process/pty/k").status, 404);
  client->finish();
  EXPECT_EQ(client->close_code, 1011);
  EXPECT_EQ(client->close_reason, R"({"exitCode":137,"exitReason":"SIGKILL"})");
  EXPECT_EQ(client->controls.back(),
            R"({"type":"control","status":"exited","exitCode":137,"exitReason":"SIGKILL"})");
  sleep(Millis(200));
  EXPECT_EQ(execute("pgrep -f 'sleep 111[1-4]' | wc -l").result, "0\n");
  EXPECT_EQ(call("DELETE", "/process/pty/k").status, 404);
}

TEST_F(PtySessionsTest, DeleteOfALazySessionThatNeverRan) {
  post("/process/pty", R"({"id":"l","lazyStart":true})");
  EXPECT_EQ(call("DELETE", "/process/pty/l").status, 200);
  EXPECT_EQ(get("/process/pty/l").status, 404);
}

TEST_F(PtySessionsTest, DisconnectKeepsTheSessionAndReconnectReplays) {
  post("/process/pty", R"({"id":"s","lazyStart":true})");
  auto first = attach("/process/pty/s/connect");
  first->type("X=kept; echo before-$X; echo \xc3\xa4\n");
  first->until("before-kept\r\n\xc3\xa4\r\n");
  first->leave();
  EXPECT_EQ(first->close_code, 1000);
  EXPECT_EQ(json(get("/process/pty/s")).as_object()["active"], true);
  auto second = attach("/process/pty/s/connect");
  second->until("before-kept\r\n\xc3\xa4\r\n");
  second->type("echo after-$X; exit\n");
  second->finish();
  EXPECT_NE(second->output.find("after-kept"), std::string::npos);
  EXPECT_EQ(second->close_code, 1000);
}

TEST_F(PtySessionsTest, ReplayIsBoundedAndStartsAtACharacter) {
  post("/process/pty", R"({"id":"u"})");
  auto first = attach("/process/pty/u/connect");
  first->type(
      "for i in $(seq 30000); do echo -n '\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac'; done; echo; echo "
      "all-is-wri\"tten\"\n");
  first->until("all-is-written");
  first->leave();
  auto second = attach("/process/pty/u/connect");
  second->until("all-is-written");
  EXPECT_LE(second->output.size(), 64u * 1024 + 200);
  EXPECT_GT(second->output.size(), 60u * 1024);
  EXPECT_TRUE(second->output.starts_with("\xe2\x82\xac"));
}

TEST_F(PtySessionsTest, SeveralClientsSeeAllOutputAndAllMayType) {
  post("/process/pty", R"({"id":"m"})");
  std::vector<std::unique_ptr<PtyClient>> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(attach("/process/pty/m/connect"));
  for (size_t i = 0; i < clients.size(); ++i)
    clients[i]->type("echo from-" + std::to_string(i) + "-$((1+1))\n");
  for (auto& client : clients)
    for (size_t i = 0; i < clients.size(); ++i) client->until("from-" + std::to_string(i) + "-2");
  clients[3]->type("seq 200000; exit 5\n");
  for (auto& client : clients) client->start_reading();
  for (auto& client : clients) {
    client->finish();
    EXPECT_NE(client->output.find("199999\r\n200000\r\n"), std::string::npos);
    EXPECT_EQ(client->close_reason, R"({"exitCode":5,"exitReason":"non-zero exit"})");
  }
}

TEST_F(PtySessionsTest, TextInputIsInputAndLargeMessagesAreRefused) {
  post("/process/pty", R"({"id":"t"})");
  auto client = attach("/process/pty/t/connect");
  client->type_text("echo te\"xt\"\n");
  client->until("text\r\n");
  client->type_text(R"({"rows":1,"cols":2})"
                    "\n");
  client->until("rows:1");
  client->type(std::string(64 * 1024 + 1, 'x'));
  client->finish();
  EXPECT_EQ(client->close_code, 1009);
  EXPECT_EQ(json(get("/process/pty/t")).as_object()["active"], true);
}

TEST_F(PtySessionsTest, LargeInputArrivesWhole) {
  post("/process/pty", R"({"id":"i"})");
  auto client = attach("/process/pty/i/connect");
  client->type("stty raw -echo; echo rea\"dy\"; head -c 10000000 | md5sum; stty sane; exit\n");
  client->until("ready");
  std::string message;
  for (size_t i = 0; message.size() < 50'000; ++i) message += std::to_string(i) + " ";
  message.resize(50'000);
  for (int i = 0; i < 200; ++i) client->type(message);
  client->finish();
  put(at("message"), message);
  std::string expected = execute("for i in $(seq 200); do cat " + at("message") + "; done | md5sum").result;
  EXPECT_NE(client->output.find(expected.substr(0, 32)), std::string::npos) << client->output.substr(0, 300);
}

TEST_F(PtySessionsTest, BackgroundChildDoesNotHoldTheEnd) {
  post("/process/pty", R"({"id":"b"})");
  auto client = attach("/process/pty/b/connect");
  client->type("(trap '' HUP; sleep 1120 &); echo la\"st\"; exit 4\n");
  Mono start = std::chrono::steady_clock::now();
  client->finish();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_NE(client->output.find("last"), std::string::npos);
  EXPECT_EQ(client->close_reason, R"({"exitCode":4,"exitReason":"non-zero exit"})");
  execute("pkill -f 'sleep 1120'");
}

TEST_F(PtySessionsTest, CreateConnect) {
  // {"A":"ä","TERM":"dumb"}
  auto client = attach("/process/pty/create-connect?id=c%2Fc&cols=120&rows=50&cwd=%2Ftmp",
                       {"X-Daytona-Pty-Envs~eyJBIjoiw6QiLCJURVJNIjoiZHVtYiJ9", "X-Daytona-Pty-Exit-Control"});
  EXPECT_EQ(client->protocol, "X-Daytona-Pty-Exit-Control");
  auto info = json(get("/process/pty/c%2Fc")).as_object();
  EXPECT_EQ(info["active"], true);
  EXPECT_EQ(info["cwd"], "/tmp");
  EXPECT_EQ(info["cols"], 120);
  EXPECT_EQ(info["rows"], 50);
  client->type("echo $A-$TERM; pwd; stty size; exit\n");
  client->finish();
  EXPECT_NE(client->output.find("\xc3\xa4-dumb\r\n/tmp\r\n50 120\r\n"), std::string::npos) << client->output;
  EXPECT_EQ(client->controls.back(), R"({"type":"control","status":"exited","exitCode":0})");
}

TEST_F(PtySessionsTest, CreateConnectRefusesBeforeTheUpgrade) {
  post("/process/pty", R"({"id":"used","lazyStart":true})");
  auto refused = [&](std::string query, std::vector<std::string> protocols = {}) {
    return refusal("/process/pty/create-connect?" + query, protocols);
  };
  auto reply = refused("id=used");
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(member(reply, "error"), "PTY session with ID 'used' already exists");
  EXPECT_EQ(member(reply, "code"), "CONFLICT");
  EXPECT_EQ(refused("cols=3").status, 400);
  EXPECT_EQ(refused("id=n&cols=1001").status, 400);
  EXPECT_EQ(refused("id=n&rows=many").status, 400);
  EXPECT_EQ(refused("id=n&cwd=%2Fno%2Fsuch").status, 500);
  EXPECT_EQ(refused("id=n", {"X-Daytona-Pty-Envs~%%%"}).status, 400);
  EXPECT_EQ(refused("id=n", {"X-Daytona-Pty-Envs~WzFd"}).status, 400);
  EXPECT_EQ(get("/process/pty/n").status, 404);
}

TEST_F(PtySessionsTest, SubProtocols) {
  post("/process/pty", R"({"id":"v"})");
  auto chosen = [&](std::vector<std::string> offered) {
    return attach("/process/pty/v/connect", offered)->protocol;
  };
  EXPECT_EQ(chosen({}), "");
  EXPECT_EQ(chosen({"other"}), "");
  EXPECT_EQ(chosen({"other", "X-Daytona-SDK-Version~0.190.0"}), "X-Daytona-SDK-Version~0.190.0");
  EXPECT_EQ(chosen({"X-Daytona-SDK-Version~0.216.0", "X-Daytona-Pty-Exit-Control"}),
            "X-Daytona-Pty-Exit-Control");
}

TEST_F(PtySessionsTest, LazySessionWhoseShellDoesNotStartTellsWhy) {
  post("/process/pty", R"({"id":"w","cwd":"/no/such","lazyStart":true})");
  auto client = attach("/process/pty/w/connect", {}, "");
  client->finish();
  ASSERT_EQ(client->controls.size(), 1u);
  EXPECT_NE(client->controls[0].find("failed to start PTY session: chdir /no/such"), std::string::npos);
}

}  // namespace
}  // namespace dt::daemon
