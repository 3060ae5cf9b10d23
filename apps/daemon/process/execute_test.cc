#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;

long resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:")) return std::atol(line.c_str() + 8);
  return 0;
}

bool running(const std::string& marker) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (text.str().find(marker) != std::string::npos) return true;
  }
  return false;
}

using Execute = DaemonTest;

TEST_F(Execute, AnswersOutputAndExitCode) {
  Ran r = execute("echo out; echo err >&2; exit 42");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.exit_code, 42);
  EXPECT_EQ(r.result, "out\nerr\n");
  EXPECT_FALSE(r.body.contains("artifacts"));
}

TEST_F(Execute, RunsScriptsFromStdin) {
  EXPECT_EQ(execute("cat <<EOF\nhello\nEOF\nfalse").result, "hello\n");
  EXPECT_EQ(execute("cat <<EOF\nhello\nEOF\nfalse").exit_code, 1);
  EXPECT_EQ(execute("read line\nthe next line is data\necho got: $line").result,
            "got: the next line is data\n");
  EXPECT_EQ(execute("cat").result, "");
}

TEST_F(Execute, TakesScriptsLargerThanAPipe) {
  std::string script = ": '" + std::string(300'000, 'x') + "'\necho done";
  EXPECT_EQ(execute(script).result, "done\n");
}

TEST_F(Execute, UsesCwdAndEnvironment) {
  EXPECT_EQ(execute("pwd").result, dir_ + "\n");
  EXPECT_EQ(execute("pwd", {{"cwd", "/tmp"}}).result, "/tmp\n");
  std::filesystem::create_directory("sub");
  EXPECT_EQ(execute("pwd", {{"cwd", "sub"}}).result, dir_ + "/sub\n");
  EXPECT_EQ(execute("echo $A-$HOME", {{"envs", bj::object{{"A", "b c"}, {"HOME", "/x"}}}}).result,
            "b c-/x\n");
}

TEST_F(Execute, StartFailureIsAnAnswer) {
  Ran r = execute("echo hi", {{"cwd", "/nowhere"}});
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.exit_code, -1);
  EXPECT_NE(r.result.find("no such file or directory"), std::string::npos) << r.result;
  EXPECT_EQ(execute("echo hi", {{"cwd", std::string("/tmp\0/x", 7)}}).exit_code, -1);
}

TEST_F(Execute, SignalIsMinusOne) {
  EXPECT_EQ(execute("kill -9 $$").exit_code, -1);
  EXPECT_EQ(execute("sh -c 'kill -9 $$'").exit_code, 137);
}

TEST_F(Execute, TimeoutIs408AndKillsEverything) {
  // One in the group, one in a session of its own.
  Reply reply = post("/process/execute",
                     R"({"command":"setsid sleep 300.71 & sleep 300.71 & sleep 300.71; wait","timeout":1})");
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(member(reply, "message"), "request timeout: command execution timeout");
  EXPECT_EQ(member(reply, "code"), "PROCESS_EXECUTION_TIMEOUT");
  EXPECT_EQ(member(reply, "source"), "DAYTONA_DAEMON");
  EXPECT_EQ(member(reply, "path"), "/process/execute");
  // They are killed, but may take a moment to be gone.
  for (int i = 0; i < 100 && running("300.71"); ++i) execute("sleep 0.02");
  EXPECT_FALSE(running("300.71"));
}

TEST_F(Execute, TimeoutFindsWhatLeftGroupSessionAndParents) {
  const char* leave = "setsid nohup sleep 300.72 >/dev/null 2>&1 & disown; (setsid env -i sleep 300.72 &); ";
  Reply reply = post("/process/execute",
                     bj::serialize(bj::object{{"command", std::string(leave) + "sleep 60"}, {"timeout", 1}}));
  EXPECT_EQ(reply.status, 408);
  for (int i = 0; i < 100 && running("300.72"); ++i) execute("sleep 0.02");
  EXPECT_FALSE(running("300.72"));
  // What a command that ended leaves behind is meant to stay, with a time limit or without.
  EXPECT_EQ(execute(leave, {{"timeout", 30}}).exit_code, 0);
  execute("sleep 0.1", {{"timeout", 30}});
  EXPECT_TRUE(running("300.72"));
  execute("pkill -f 'sleep 300[.]72'");
}

TEST_F(Execute, TimeoutKeepsWhatCameBefore) {
  Ran r = execute("echo early; echo err >&2; sleep 60", {{"timeout", 1}});
  EXPECT_EQ(r.status, 408);
  EXPECT_EQ(r.result, "early\nerr\n");
  EXPECT_EQ(r.exit_code, -1);
  EXPECT_EQ(r.body["message"], "request timeout: command execution timeout");
  r = execute("head -c 1000000 /dev/zero | tr '\\0' x; sleep 60", {{"timeout", 1}});
  EXPECT_EQ(r.status, 408);
  EXPECT_EQ(r.result.size(), 1'000'000u);
}

TEST_F(Execute, LargeOutputLeavesNothingBehindAndNeedsNoTmp) {
  std::string big = "head -c 300000 /dev/zero | tr '\\0' x";
  EXPECT_EQ(execute(big).result.size(), 300'000u);
  for (const auto& entry : std::filesystem::directory_iterator("/tmp"))
    EXPECT_FALSE(entry.path().filename().string().starts_with("dtn_output"));
  // Characters are not torn where the pieces meet.
  std::string text = execute("printf '\\377'; for i in $(seq 50000); do printf 'aé😀'; done").result;
  EXPECT_EQ(text.size(), 3 + 350'000u);
  EXPECT_TRUE(valid_utf8(text));
  EXPECT_EQ(text.find("\xEF\xBF\xBD", 1), std::string::npos);
}

TEST_F(Execute, TimeoutHoldsAgainstEndlessOutput) {
  EXPECT_EQ(post("/process/execute", R"({"command":"yes","timeout":1})").status, 408);
}

TEST_F(Execute, BackgroundChildDoesNotDelayTheAnswer) {
  Ran r = execute("(sleep 3; echo late > late.txt; echo into the void) & echo early");
  EXPECT_EQ(r.result, "early\n");
  // Its output must not have killed it.
  execute("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5; test -f late.txt && exit; done");
  EXPECT_EQ(content(at("late.txt")), "late\n");
}

TEST_F(Execute, LateOutputOfShortChildrenIsKept) {
  EXPECT_EQ(execute("(sleep 0.05; echo late) & echo early").result, "early\nlate\n");
}

TEST_F(Execute, OutputIsBinarySafe) {
  Ran r = execute("printf 'a\\0b\\377c'");
  EXPECT_EQ(std::string_view(r.body["result"].as_string()), std::string_view("a\0b\xEF\xBF\xBD"
                                                                             "c",
                                                                             7));
}

TEST_F(Execute, LargeOutputArrivesWholeUpToTheLimit) {
  bj::object body =
      ran(post("/process/execute", R"({"command":"head -c 20000000 /dev/zero | tr '\\0' x"})")).body;
  EXPECT_EQ(body["result"].as_string().size(), 20'000'000u);
  body =
      ran(post("/process/execute", R"({"command":"head -c 70000000 /dev/zero | tr '\\0' x; exit 3"})")).body;
  EXPECT_EQ(body["exitCode"].as_int64(), 3);
  EXPECT_TRUE(std::string_view(body["result"].as_string()).ends_with("limit of 64 MiB]\n"));
}

TEST_F(Execute, RefusesBadRequests) {
  struct Case {
    const char *body, *message;
  };
  for (const Case& c :
       {Case{"", "bad request: invalid request body: EOF"},
        Case{"{", "bad request: invalid request body: not valid JSON"},
        Case{"{}", "failed on the 'required' tag"},
        Case{R"({"command":""})", "Key: 'ExecuteRequest.Command'"},
        Case{R"({"command":" \n"})", "bad request: command cannot be empty or whitespace-only"},
        Case{R"({"command":7})", "cannot unmarshal number"},
        Case{R"({"command":"x","timeout":"1"})", "ExecuteRequest.timeout of type uint32"},
        Case{R"({"command":"x","timeout":-1})", "uint32"},
        Case{R"({"command":"x","envs":{"A-B":"1"}})",
             "bad request: invalid environment variable name: 'A-B'"}}) {
    Reply reply = post("/process/execute", c.body);
    EXPECT_EQ(reply.status, 400) << c.body;
    EXPECT_EQ(member(reply, "code"), "BAD_REQUEST");
    EXPECT_NE(member(reply, "message").find(c.message), std::string::npos) << reply.body;
  }
}

TEST_F(Execute, FieldNamesMatchInAnyCaseAndUnknownOnesAreIgnored) {
  EXPECT_EQ(
      ran(post("/process/execute", R"({"Command":"echo 1","other":[],"cwd":null,"timeout":null})")).result,
      "1\n");
}

TEST_F(Execute, ChildrenStartClean) {
  EXPECT_EQ(execute("ls /proc/self/fd | wc -l").result, "4\n");  // 0, 1, 2 and the one of ls
  EXPECT_EQ(execute("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t '").result,
            "SigBlk:0000000000000000SigIgn:0000000000000000");
  EXPECT_EQ(execute("test $(ps -o pgid= -p $$) = $$ && echo own").result, "own\n");
}

TEST_F(Execute, DisconnectDoesNotCancel) {
  auto start = [](Execute& t) -> Task<void> {
    auto stream = co_await connect(t.endpoint_, kNever);
    CHECK(stream.has_value());
    std::string body = R"({"command":"sleep 0.3; echo there > after.txt"})";
    std::ignore = co_await stream->write_all("POST /process/execute HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                             std::to_string(body.size()) + "\r\n\r\n" + body);
    co_await Loop::current().sleep_for(Millis(100));
  };
  loop_.run_until(start(*this));
  execute("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; test -f after.txt && exit; done");
  EXPECT_EQ(content(at("after.txt")), "there\n");
}

TEST_F(Execute, OrphansAreReaped) {
  execute("(sh -c 'sleep 0.1' &) ; (setsid sh -c 'sleep 0.1' &)");
  execute("sleep 0.4");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie or a running child is left";
}

TEST_F(Execute, ManyAtOnceKeepTheirExitCodes) {
  auto one = [](Execute& t, int i, int& bad) -> Task<void> {
    std::string body =
        R"({"command":"sleep 0.0)" + std::to_string(i % 10) + "; exit " + std::to_string(i % 256) + "\"}";
    ClientRequest request{.method = "POST", .target = "/process/execute", .body = body};
    auto reply = co_await t.client_.call(CallContext(), t.endpoint_, std::move(request));
    bool good = reply && reply->body.starts_with("{\"exitCode\":" + std::to_string(i % 256) + ",");
    if (!good) ++bad;
  };
  auto all = [&](Execute& t, int& bad) -> Task<void> {
    TaskScope scope("many");
    for (int i = 0; i < 200; ++i) scope.spawn(one(t, i, bad));
    co_await scope.join();
  };
  int bad = 0;
  loop_.run_until(all(*this, bad));
  EXPECT_EQ(bad, 0);
}

TEST_F(Execute, TenThousandLeaveNothingBehind) {
  auto run = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Reply reply = post("/process/execute", R"({"command":"exit 7","envs":{"A":"1"}})");
      ASSERT_EQ(reply.body, R"({"exitCode":7,"result":""})");
    }
  };
  run(500);
  [[maybe_unused]] long before = resident_kib();
  auto descriptors = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  run(9'500);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)  // these keep freed memory
  EXPECT_LE(resident_kib() - before, 512);
#endif
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), descriptors);
  EXPECT_EQ(daemon_->children(), 0u);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace dt::daemon
