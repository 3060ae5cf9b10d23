// Log streams, and the session of the sandbox's own command.
#include "apps/daemon/testing_session.h"

namespace dt::daemon {
namespace {

struct FollowTest : SessionTest {
  void SetUp() override {
    SessionTest::SetUp();
    ASSERT_EQ(create("s").status, 201);
  }
  static std::string logs(std::string_view id, std::string_view query = "?follow=true") {
    return command_path(id, "/logs" + std::string(query));
  }
};

TEST_F(FollowTest, UntilTheCommandEnds) {
  std::string id = run_async("echo one; sleep 0.2; echo err >&2; sleep 0.2; printf last").id;
  Streamed seen = stream(logs(id));
  EXPECT_EQ(seen.bytes, kOut + "one\n" + kErr + "err\n" + kOut + "last\n");
  EXPECT_EQ(seen.close_code, 1000);
  EXPECT_EQ(exit_code(id), 0);
  EXPECT_EQ(stream(logs(id)).bytes, seen.bytes);
}

TEST_F(FollowTest, FramesAreSmall) {
  std::string id = run("head -c 100000 /dev/zero | tr '\\0' 'y' | fold -w 99").id;
  Streamed seen = stream(logs(id));
  EXPECT_EQ(seen.bytes, raw_log(id));
  EXPECT_LE(seen.longest_frame, 1024u);
}

TEST_F(FollowTest, WithoutFollowWhatThereIs) {
  std::string id = run_async("echo one; sleep 60").id;
  while (raw_log(id).empty()) sleep(Millis(5));
  for (const char* query : {"", "?follow=false", "?follow=1"}) {
    Streamed seen = stream(logs(id, query));
    EXPECT_EQ(seen.bytes, kOut + "one\n");
    EXPECT_EQ(seen.close_code, 1000);
    EXPECT_FALSE(json(get(command_path(id))).as_object().contains("exitCode")) << "waited for the end";
  }
}

TEST_F(FollowTest, FormsByVersion) {
  std::string id = run("echo o; echo e >&2").id;
  auto bytes = [&](Headers headers) { return stream(logs(id), std::move(headers)).bytes.size(); };
  EXPECT_EQ(bytes({}), 4u);
  EXPECT_EQ(bytes(version("0.26.0")), 4u);
  EXPECT_EQ(bytes(version("0.27.0")), 10u);
  EXPECT_EQ(bytes(version("0.190.0")), 10u);
  Headers java;
  java.set("User-Agent", "okhttp/4.12.0");
  EXPECT_EQ(bytes(java), 10u);
  Headers split;
  split.set("X-Daytona-Split-Output", "true");
  EXPECT_EQ(bytes(split), 10u);
  Headers protocol;
  protocol.set("Sec-WebSocket-Protocol", "other, X-Daytona-SDK-Version~0.190.0");
  Streamed seen = stream(logs(id), protocol);
  EXPECT_EQ(seen.bytes.size(), 10u);
  EXPECT_EQ(seen.protocol, "X-Daytona-SDK-Version~0.190.0");
}

TEST_F(FollowTest, UnknownIdsAreRefusedBeforeTheUpgrade) {
  EXPECT_NE(stream(logs("nope")).error.find("404"), std::string::npos);
  EXPECT_NE(stream(command_path("x", "/logs", "other")).error.find("404"), std::string::npos);
  EXPECT_NE(stream("/process/session/entrypoint/logs?follow=true").error.find("404"), std::string::npos);
  Headers half;
  half.set("Upgrade", "websocket");
  Reply reply = call("GET", logs(run("true").id), "", half);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.headers.get_or("Content-Type"), "text/plain");
  EXPECT_EQ(reply.headers.get_or("Sec-WebSocket-Version"), "13");
}

TEST_F(FollowTest, UnfinishedLinesAreSeenWhileSomebodyFollows) {
  std::string id = run_async("printf 'name? '; read x; echo \"hi $x\"").id;
  auto talk = [](SessionTest& t, std::string id, std::string& seen, int& code) -> Task<void> {
    ClientRequest request{.method = "GET", .target = logs(id), .headers = version("0.190.0")};
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
    if (!response) co_return;
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    while (seen != kOut + "name? ") {
      auto message = co_await socket.receive(after(Millis(5000)));
      if (!message) co_return;
      seen += message->data;
    }
    ClientRequest typed{.method = "POST", .target = command_path(id, "/input"), .body = R"({"data":"bob"})"};
    co_await t.client_.call(CallContext(), t.endpoint_, std::move(typed));
    for (;;) {
      auto message = co_await socket.receive(after(Millis(5000)));
      if (!message) co_return;
      code = message->close_code;
      if (message->kind == WebSocket::Kind::close) co_return;
      seen += message->data;
    }
  };
  std::string seen;
  int code = 0;
  loop_.run_until(talk(*this, id, seen, code));
  EXPECT_EQ(seen, kOut + "name? " + kOut + "bob\n" + kOut + "hi bob\n");
  EXPECT_EQ(code, 1000);
}

TEST_F(FollowTest, DeletingTheSessionEndsTheStream) {
  std::string id = run_async("echo a; sleep 100").id;
  auto follow = [](FollowTest& t, std::string id, Streamed& seen) -> Task<void> {
    TaskScope scope("follow");
    scope.spawn(receive_all(t, logs(id), version("0.190.0"), seen));
    co_await Loop::current().sleep_for(Millis(100));
    ClientRequest request{.method = "DELETE", .target = "/process/session/s"};
    co_await t.client_.call(CallContext(), t.endpoint_, std::move(request));
    co_await scope.join();
  };
  Streamed seen;
  loop_.run_until(follow(*this, id, seen));
  EXPECT_EQ(seen.bytes, kOut + "a\n");
  EXPECT_EQ(seen.close_code, 1000);
}

TEST_F(FollowTest, ManyAndSlowFollowersGetEverything) {
  std::string id = run_async(
                       "for i in 1 2 3 4 5 6 7 8; do head -c 2000000 /dev/zero | tr '\\0' 'a' | fold -w 99; "
                       "sleep 0.05; done")
                       .id;
  auto slow = [](FollowTest& t, std::string id, size_t& bytes) -> Task<void> {
    ClientRequest request{.method = "GET", .target = logs(id), .headers = version("0.190.0")};
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
    if (!response) co_return;
    co_await Loop::current().sleep_for(Millis(1000));  // the socket is full by now, the command goes on
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    for (;;) {
      auto message = co_await socket.receive(after(Millis(20'000)));
      if (!message || message->kind == WebSocket::Kind::close) co_return;
      bytes += message->data.size();
    }
  };
  auto all = [slow](FollowTest& t, std::string id, std::vector<Streamed>& fast, size_t& bytes) -> Task<void> {
    TaskScope scope("followers");
    for (Streamed& one : fast) scope.spawn(receive_all(t, logs(id), version("0.190.0"), one));
    scope.spawn(slow(t, id, bytes));
    co_await scope.join();
  };
  std::vector<Streamed> fast(5);
  size_t bytes = 0;
  loop_.run_until(all(*this, id, fast, bytes));
  std::string log = raw_log(id);
  EXPECT_GT(log.size(), 16'000'000u);
  EXPECT_EQ(bytes, log.size());
  for (const Streamed& one : fast) EXPECT_TRUE(one.bytes == log && one.close_code == 1000);
}

TEST_F(FollowTest, AFollowerThatVanishesIsForgotten) {
  std::string id = run_async("while :; do echo x; sleep 0.01; done").id;
  auto vanish = [](FollowTest& t, std::string id) -> Task<void> {
    ClientRequest request{.method = "GET", .target = logs(id), .headers = version("0.190.0")};
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
    if (response) response->upgraded().abort();
  };
  for (int i = 0; i < 20; ++i) loop_.run_until(vanish(*this, id));
  sleep(Millis(100));
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
}

struct EntrypointTest : SessionTest {
  void configure(Config& config) override {
    SessionTest::configure(config);
    std::string dir = home_ + "/.daytona/sessions/entrypoint/entrypoint_command";
    std::filesystem::create_directories(dir);
    put(dir + "/exit_code", "77\n");
    put(dir + "/output.log", "old");
    config.entrypoint = {"sh", "-c", "echo out; echo \"it's $1\" >&2; sleep 0.3; printf end; exit 4", "sh",
                         "a b"};
  }
};

TEST_F(EntrypointTest, IsASessionOfItsOwn) {
  std::string path = "/process/session/entrypoint";
  EXPECT_EQ(member(get(path), "sessionId"), "entrypoint");
  EXPECT_EQ(json(get(path)).at("commands").as_array().size(), 1u);
  EXPECT_FALSE(
      json(get(command_path("entrypoint_command", "", "entrypoint"))).as_object().contains("exitCode"));
  EXPECT_EQ(get("/process/session").body, "[]");
  Streamed seen = stream(path + "/logs?follow=true", {});
  EXPECT_EQ(seen.close_code, 1000);
  EXPECT_EQ(seen.bytes, kOut + "out\n" + kErr + "it's a b\n" + kOut + "end\n");
  EXPECT_EQ(exit_code("entrypoint_command", "entrypoint"), 4);
  EXPECT_EQ(content(home_ + "/.daytona/sessions/entrypoint/entrypoint_command/exit_code"), "4\n");
  // Never stripped; JSON by version.
  EXPECT_EQ(get(path + "/logs").body, seen.bytes);
  EXPECT_EQ(call("GET", path + "/logs", "", version("0.26.0")).body, seen.bytes);
  EXPECT_EQ(member(call("GET", path + "/logs", "", version("0.190.0")), "stdout"), "out\nend\n");
  EXPECT_EQ(get(path + "/command/entrypoint_command/logs").body, "out\nit's a b\nend\n");
  // Its end is not the daemon's.
  EXPECT_EQ(execute("echo alive").result, "alive\n");
}

}  // namespace
}  // namespace dt::daemon
