// The routes of sessions, row by row of the contract.
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "apps/daemon/testing_session.h"

namespace dt::daemon {
namespace {

namespace fs = std::filesystem;

struct SessionsTest : SessionTest {
  void expect_error(const Reply& reply, int status, std::string_view code, std::string_view message) {
    EXPECT_EQ(reply.status, status) << reply.body;
    auto value = json(reply);
    const auto& body = value.as_object();
    EXPECT_EQ(body.at("statusCode").as_int64(), status);
    EXPECT_EQ(body.at("code").as_string(), code);
    EXPECT_EQ(body.at("message").as_string(), message);
    for (const char* name : {"source", "timestamp", "path", "method"})
      EXPECT_TRUE(body.contains(name)) << name;
  }
  static std::string exec_path(std::string_view session = "s") {
    return "/process/session/" + std::string(session) + "/exec";
  }
};

TEST_F(SessionsTest, Create) {
  Reply created = create("s");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body, "");
  EXPECT_TRUE(fs::is_directory(session_dir()));
  expect_error(create("s"), 409, "CONFLICT", "conflict: session already exists");
  expect_error(create("entrypoint"), 400, "BAD_REQUEST",
               "bad request: provided session ID is reserved and cannot be created/overridden");
  EXPECT_EQ(post("/process/session", "{}").status, 400);
  EXPECT_EQ(member(post("/process/session", "{}"), "code"), "INVALID_REQUEST_BODY");
  EXPECT_EQ(member(post("/process/session", ""), "code"), "INVALID_REQUEST_BODY");
  EXPECT_EQ(member(post("/process/session", R"({"sessionId":5})"), "code"), "INVALID_REQUEST_BODY");
}

TEST_F(SessionsTest, IdsAreFileNames) {
  for (const std::string& id :
       std::vector<std::string>{"a/b", "..", ".", "/", "../../etc", std::string(256, 'x')})
    EXPECT_EQ(create(id).status, 400) << id;
  EXPECT_EQ(create(std::string_view("a\0b", 3)).status, 400);
  for (const std::string& id :
       std::vector<std::string>{"it's \"odd\" $(x) `y`\n", "...", "-rf", " ", "ünï", std::string(255, 'x')}) {
    ASSERT_EQ(create(id).status, 201) << id;
    std::string path = percent_encode(id);
    EXPECT_EQ(run("echo $((40+2))", path).out, "42\n") << id;
    EXPECT_EQ(call("DELETE", "/process/session/" + path).status, 204) << id;
  }
}

TEST_F(SessionsTest, OldFilesAreCleared) {
  fs::create_directories(session_dir() + "/old");
  put(session_dir() + "/old/exit_code", "0\n");
  ASSERT_EQ(create("s").status, 201);
  EXPECT_TRUE(fs::is_empty(session_dir()));
  EXPECT_EQ(run("true").code, 0);
}

TEST_F(SessionsTest, AShellThatDoesNotStart) {
  fs::current_path("/");
  std::string moved = dir_ + ".moved";
  fs::rename(dir_, moved);
  Reply reply = create("s");
  fs::rename(moved, dir_);
  EXPECT_EQ(reply.status, 500) << reply.body;
  EXPECT_EQ(get("/process/session/s").status, 404);
  EXPECT_EQ(create("s").status, 201);
}

TEST_F(SessionsTest, GetAndList) {
  EXPECT_EQ(get("/process/session").body, "[]");
  expect_error(get("/process/session/s"), 404, "NOT_FOUND", "not found: session not found");
  create("s");
  EXPECT_EQ(get("/process/session").body, R"([{"sessionId":"s","commands":[]}])");
  std::string first = run("exit_with() { return $1; }; exit_with 3").id;
  std::string second = run_async("sleep 5").id;
  EXPECT_EQ(get("/process/session/s").body,
            R"({"sessionId":"s","commands":[{"id":")" + first +
                R"(","command":"exit_with() { return $1; }; exit_with 3","exitCode":3},{"id":")" + second +
                R"(","command":"sleep 5"}]})");
  EXPECT_EQ(get(command_path(first)).body,
            R"({"id":")" + first + R"(","command":"exit_with() { return $1; }; exit_with 3","exitCode":3})");
  EXPECT_EQ(get(command_path(second)).body, R"({"id":")" + second + R"(","command":"sleep 5"})");
  expect_error(get(command_path("nope")), 404, "NOT_FOUND", "not found: command not found");
  expect_error(get(command_path(first, "", "other")), 404, "NOT_FOUND", "not found: session not found");
}

TEST_F(SessionsTest, LongCommandsAreShownWhole) {
  create("s");
  std::string text = "echo " + std::string(100'000, 'y') + " | wc -c\n\n";
  Outcome result = run(text);
  EXPECT_EQ(result.out, "100001\n");
  EXPECT_EQ(member(get(command_path(result.id)), "command"), text);
}

TEST_F(SessionsTest, WhereTheShellStarts) {
  for (auto [version_text, cwd] : {std::pair{"0.102.0", home_},
                                   {"0.103.0", dir_},
                                   {"", dir_},
                                   {"0.0.0-dev", dir_},
                                   {"v0.0.0-dev", home_}}) {
    ASSERT_EQ(create("w", version(version_text)).status, 201);
    EXPECT_EQ(run("pwd", "w").out, cwd + "\n") << version_text;
    call("DELETE", "/process/session/w");
  }
}

TEST_F(SessionsTest, ExecAnswers) {
  create("s");
  std::string command = exec_body("echo o; echo e >&2; printf x");
  std::string raw = R"(\u0001\u0001\u0001o\n\u0002\u0002\u0002e\n\u0001\u0001\u0001x\n)";
  std::string other = R"(\u0001\u0001\u0001o\n\u0001\u0001\u0001x\n\u0002\u0002\u0002e\n)";
  auto answer = [&](Headers headers) {
    Reply reply = call("POST", exec_path(), command, std::move(headers));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.get_or("Content-Type"), "application/json; charset=utf-8");
    std::string body = reply.body.substr(reply.body.find("\"output\""));
    // The two streams come in any order.
    if (size_t at = body.find(other); at != std::string::npos) body.replace(at, other.size(), raw);
    if (size_t at = body.find(R"(o\nx\ne\n)");
        at != std::string::npos && body.find("u0001") == std::string::npos)
      body.replace(at, 9, R"(o\ne\nx\n)");
    return body;
  };
  std::string nulls = R"(","stdout":null,"stderr":null,"exitCode":0})";
  EXPECT_EQ(answer({}), R"("output":"o\ne\nx\n)" + nulls);
  Headers split;
  split.set("X-Daytona-Split-Output", "true");
  EXPECT_EQ(answer(split), "\"output\":\"" + raw + nulls);
  EXPECT_EQ(answer(version("0.26.0")), R"("output":"o\ne\nx\n)" + nulls);
  EXPECT_EQ(answer(version("0.150.0")), "\"output\":\"" + raw + nulls);
  std::string whole = "\"output\":\"" + raw + R"(","stdout":"o\nx\n","stderr":"e\n","exitCode":0})";
  EXPECT_EQ(answer(version("0.190.0")), whole);
  EXPECT_EQ(answer(version("0.0.0-dev")), whole);
}

TEST_F(SessionsTest, AsyncAnswer) {
  create("s");
  for (const char* name : {"runAsync", "async"}) {
    Reply reply = call("POST", exec_path(), exec_body("true", {{name, true}}));
    EXPECT_EQ(reply.status, 202);
    EXPECT_EQ(reply.body, "{\"cmdId\":\"" + member(reply, "cmdId") +
                              R"(","output":null,"stdout":null,"stderr":null,"exitCode":null})");
    EXPECT_EQ(exit_code(member(reply, "cmdId")), 0);
  }
}

TEST_F(SessionsTest, ExecRefusals) {
  create("s");
  for (const char* body :
       {"", "{}", "{", R"({"command":""})", R"({"command":7})", R"({"command":"x","runAsync":"y"})"})
    EXPECT_EQ(member(post(exec_path(), body), "code"), "INVALID_REQUEST_BODY") << body;
  expect_error(post(exec_path(), R"({"command":" \n\t"})"), 400, "BAD_REQUEST",
               "bad request: command cannot be empty or whitespace-only");
  expect_error(post(exec_path("entrypoint"), exec_body("true")), 400, "BAD_REQUEST",
               "bad request: can't execute command in entrypoint session");
  expect_error(post(exec_path("other"), exec_body("true")), 404, "NOT_FOUND",
               "failed to execute command: not found: session not found");
}

TEST_F(SessionsTest, CommandsRunOneAfterAnother) {
  create("s");
  std::string first = run_async("sleep 0.3; echo first >> order").id;
  std::string second = run_async("echo second >> order; cat").id;
  EXPECT_EQ(raw_log(second), "");
  EXPECT_EQ(input(second, "waits").status, 204);  // it has not started
  std::string third = run_async("echo third >> order").id;
  EXPECT_EQ(content(at("order")), "");
  EXPECT_EQ(exit_code(first), 0);
  call("DELETE", "/process/session/s");
  EXPECT_TRUE(content(at("order")).starts_with("first\n"));
}

TEST_F(SessionsTest, QueuedCommandsOfADeadShellAnswer) {
  create("s");
  std::string first = run_async("sleep 0.2; exit 3").id;
  std::string queued = run_async("echo never").id;
  Outcome waiting = run("echo never");
  EXPECT_EQ(waiting.code, -1);
  EXPECT_EQ(exit_code(first), 3);
  EXPECT_EQ(exit_code(queued), -1);
  EXPECT_EQ(raw_log(queued), "");
  EXPECT_EQ(content(session_dir() + "/" + first + "/exit_code"), "3\n");
}

TEST_F(SessionsTest, FilesOfACommand) {
  create("s");
  std::string id = run_async("echo a; sleep 0.3").id;
  std::string dir = session_dir() + "/" + id;
  EXPECT_EQ(content(dir + "/cmd.sh"), "echo a; sleep 0.3\n");
  EXPECT_EQ(fs::status(dir + "/cmd.sh").permissions(), fs::perms(0600));
  EXPECT_TRUE(fs::is_fifo(dir + "/stdout.pipe") && fs::is_fifo(dir + "/stderr.pipe") &&
              fs::is_fifo(dir + "/input.pipe"));
  EXPECT_FALSE(fs::exists(dir + "/exit_code"));
  EXPECT_EQ(exit_code(id), 0);
  EXPECT_EQ(content(dir + "/output.log"), kOut + "a\n");
  EXPECT_EQ(content(dir + "/exit_code"), "0\n");
  for (const char* pipe : {"/stdout.pipe", "/stderr.pipe", "/input.pipe"})
    EXPECT_FALSE(fs::exists(dir + pipe));
}

TEST_F(SessionsTest, Logs) {
  create("s");
  std::string id = run("echo o").id;
  auto logs = [&](Headers headers) {
    return call("GET", command_path(id, "/logs?follow=true"), "", std::move(headers));
  };
  EXPECT_EQ(logs({}).body, "o\n");
  EXPECT_EQ(logs({}).headers.get_or("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(logs(version("0.26.0")).body, "o\n");
  EXPECT_EQ(logs(version("0.150.0")).body, kOut + "o\n");
  EXPECT_EQ(logs(version("0.150.0")).headers.get_or("Content-Type"), "text/plain; charset=utf-8");
  Headers split;
  split.set("X-Daytona-Split-Output", "true");
  EXPECT_EQ(logs(split).body, kOut + "o\n");
  EXPECT_EQ(logs(version("0.190.0")).body,
            R"({"output":"\u0001\u0001\u0001o\n","stdout":"o\n","stderr":""})");
  EXPECT_EQ(logs(version("0.190.0")).headers.get_or("Content-Type"), "application/json; charset=utf-8");
  expect_error(get(command_path("nope", "/logs")), 404, "NOT_FOUND", "not found: command not found");
  expect_error(get(command_path(id, "/logs", "other")), 404, "NOT_FOUND", "not found: session not found");
  fs::remove(session_dir() + "/" + id + "/output.log");
  EXPECT_EQ(get(command_path(id, "/logs")).status, 404);
}

TEST_F(SessionsTest, LargeLogsAreStreamedWithEveryCharacterWhole) {
  create("s");
  // Three-byte characters, cut by every read.
  Outcome result =
      run("i=0; while [ $i -lt 13 ]; do printf '€%.0s' $(seq 20000); i=$((i+1)); done; printf "
          "'\\377\\342\\202' >&2");
  std::string euros;
  for (int i = 0; i < 260'000; ++i) euros += "€";
  EXPECT_EQ(result.out, euros + "\n");
  EXPECT_EQ(result.err, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n");
  EXPECT_EQ(get(command_path(result.id, "/logs")).body.size(), euros.size() + 1 + 4);
}

TEST_F(SessionsTest, Input) {
  create("s");
  std::string id = run_async("read x; echo \"<$x>\"", "s").id;
  EXPECT_EQ(input(id, "hello").status, 204);
  EXPECT_EQ(exit_code(id), 0);
  EXPECT_EQ(raw_log(id), kOut + "hello\n" + kOut + "<hello>\n");
  std::string quiet = run_async("read x; echo \"<$x>\"", "s", true).id;
  input(quiet, "hello\n");
  EXPECT_EQ(exit_code(quiet), 0);
  EXPECT_EQ(raw_log(quiet), kOut + "<hello>\n");
  expect_error(input(id, "late"), 410, "COMMAND_ALREADY_COMPLETED",
               "gone: command has already completed with exit code 0");
  for (const char* body : {"", "{}", R"({"data":""})", R"({"data":1})"})
    EXPECT_EQ(member(post(command_path(id, "/input"), body), "code"), "INVALID_REQUEST_BODY") << body;
  expect_error(input("nope", "x"), 404, "NOT_FOUND", "not found: command not found");
  expect_error(post(command_path(id, "/input", "other"), R"({"data":"x"})"), 404, "NOT_FOUND",
               "not found: session not found");
  expect_error(post("/process/session/entrypoint/command/entrypoint_command/input", R"({"data":"x"})"), 400,
               "BAD_REQUEST", "bad request: can't send input to entrypoint session");
}

TEST_F(SessionsTest, InputThatNobodyReads) {
  create("s");
  std::string id = run_async("sleep 0.5; head -c 3 >/dev/null", "s", true).id;
  // More than the pipe holds: waits until the command ends.
  Reply reply = input(id, std::string(300'000, 'x'));
  EXPECT_EQ(reply.status, 410) << reply.body;
  EXPECT_EQ(exit_code(id), 0);
  std::string reading = run_async("wc -c", "s", true).id;
  EXPECT_EQ(input(reading, std::string(1'000'000, 'x')).status, 204);
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
}

TEST_F(SessionsTest, Delete) {
  create("s");
  std::string id = run("echo x").id;
  auto start = std::chrono::steady_clock::now();
  Reply reply = call("DELETE", "/process/session/s");
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.body, "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis(1400)) << "waited for the grace";
  EXPECT_FALSE(fs::exists(session_dir()));
  EXPECT_EQ(get("/process/session/s").status, 404);
  expect_error(call("DELETE", "/process/session/s"), 404, "NOT_FOUND", "not found: session not found");
  expect_error(call("DELETE", "/process/session/entrypoint"), 400, "BAD_REQUEST",
               "bad request: can't delete entrypoint session");
  ASSERT_EQ(create("s").status, 201);
  EXPECT_EQ(get(command_path(id)).status, 404);
  EXPECT_EQ(run("echo again").out, "again\n");
}

TEST_F(SessionsTest, DeleteEndsTheTree) {
  create("s");
  run("sleep 300.25 & setsid sleep 300.25 & (trap '' TERM; exec sleep 300.25) & setsid sh -c 'trap \"\" "
      "TERM; sleep 300.25' &");
  std::string id = run_async("trap '' TERM; sleep 300.25; sleep 300.25").id;
  EXPECT_EQ(execute("pgrep -fc 'sleep 300[.]25'").result.substr(0, 1), "6");
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
  auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GT(took, Millis(1400));  // the grace
  EXPECT_EQ(execute("pgrep -fc 'sleep 300[.]25'").result, "0\n");
}

TEST_F(SessionsTest, DeleteLetsProgramsEndInOrder) {
  create("s");
  run_async("sh -c 'trap \"sleep 0.2; echo clean > " + at("clean") +
            "; exit\" TERM; while :; do sleep 0.02; done'");
  for (int i = 0; i < 200 && execute("pgrep -f 'sleep 0[.]02'").exit_code != 0; ++i) sleep(Millis(10));
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
  EXPECT_EQ(content(at("clean")), "clean\n");
}

TEST_F(SessionsTest, DeleteAnswersThoseWhoWait) {
  create("s");
  auto both = [](SessionTest& t, Reply& waited, Reply& queued) -> Task<void> {
    TaskScope scope("calls");
    auto one = [](SessionTest& s, std::string command, Reply& to) -> Task<void> {
      ClientRequest request{
          .method = "POST", .target = "/process/session/s/exec", .body = exec_body(command)};
      auto reply = co_await s.client_.call(CallContext(), s.endpoint_, std::move(request));
      if (reply) to = std::move(*reply);
    };
    scope.spawn(one(t, "sleep 100", waited));
    scope.spawn(one(t, "echo queued", queued));
    co_await Loop::current().sleep_for(Millis(100));
    ClientRequest request{.method = "DELETE", .target = "/process/session/s"};
    auto reply = co_await t.client_.call(CallContext(), t.endpoint_, std::move(request));
    EXPECT_EQ(reply->status, 204);
    co_await scope.join();
  };
  Reply waited{0, {}, ""}, queued{0, {}, ""};
  loop_.run_until(both(*this, waited, queued));
  for (const Reply& reply : {std::cref(waited), std::cref(queued)})
    expect_error(reply, 410, "SESSION_ENDED", "failed to execute command: gone: session cancelled");
}

TEST_F(SessionsTest, AClientThatLeavesTakesNothingWithIt) {
  create("s");
  auto leave = [](SessionTest& t) -> Task<void> {
    auto stream = co_await connect(t.endpoint_, kNever);
    std::string body = exec_body("sleep 0.4; echo done; cd /");
    co_await stream->write_all("POST /process/session/s/exec HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body);
    co_await Loop::current().sleep_for(Millis(100));
  };
  loop_.run_until(leave(*this));
  EXPECT_EQ(run("pwd").out, "/\n");
  auto commands = json(get("/process/session/s")).as_object().at("commands").as_array();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].as_object().at("exitCode").as_int64(), 0);
  EXPECT_EQ(raw_log(commands[0].as_object().at("id").as_string().c_str()), kOut + "done\n");
}

TEST_F(SessionsTest, OldCommandsAreForgotten) {
  create("s");
  std::string first = run("true").id;
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(run("true").code, 0);
  EXPECT_EQ(get(command_path(first)).status, 404);
  EXPECT_FALSE(fs::exists(session_dir() + "/" + first));
  EXPECT_EQ(json(get("/process/session/s")).as_object().at("commands").as_array().size(), 2000u);
}

TEST_F(SessionsTest, AFullDisk) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a small disk";
  std::string state = home_ + "/.daytona";
  fs::create_directory(state);
  ASSERT_EQ(::mount("tmpfs", state.c_str(), "tmpfs", 0, "size=1m"), 0);
  create("s");
  // The disk fills in the middle of a log.
  Outcome cut = run("head -c 3000000 /dev/zero | tr '\\0' '\\n'; echo end >&2");
  EXPECT_EQ(cut.code, 0) << cut.message;
  EXPECT_LE(cut.out.size(), 300'000u);
  EXPECT_EQ(execute("dd if=/dev/zero of=" + state + "/fill bs=4096 2>&1; true").exit_code, 0);
  // With nothing left, commands go on elsewhere.
  Outcome next = run("echo still here; rm " + state + "/fill");
  EXPECT_EQ(next.out, "still here\n") << next.message;
  EXPECT_EQ(raw_log(next.id), kOut + "still here\n");
  EXPECT_EQ(run("echo fine").out, "fine\n");
  auto spare = [] {
    int found = 0;
    for (const auto& entry : fs::directory_iterator("/dev/shm"))
      found += entry.path().filename().string().starts_with(".daytona-session-");
    return found;
  };
  int before = spare();
  EXPECT_GE(before, 1);
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
  EXPECT_EQ(spare(), before - 1);
  EXPECT_EQ(::umount2(state.c_str(), MNT_DETACH), 0);
}

TEST_F(SessionsTest, TheUserRemovesTheDirectory) {
  create("s");
  std::string id = run_async("rm -rf ~/.daytona; echo after").id;
  EXPECT_EQ(exit_code(id), 0);
  EXPECT_EQ(get(command_path(id, "/logs")).status, 404);
  EXPECT_EQ(run("echo next").out, "next\n");
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
}

}  // namespace
}  // namespace dt::daemon
