// What commands may do to their session's shell, in every shell that the machine has.
#include <unistd.h>

#include "apps/daemon/testing_session.h"

namespace dt::daemon {
namespace {

class Shells : public SessionTest, public ::testing::WithParamInterface<const char*> {
 public:
  void configure(Config& config) override {
    std::string program = GetParam();
    shell_ = program;
    if (program.ends_with("busybox")) {
      shell_ = dir_ + "/ash";
      ASSERT_EQ(::symlink(program.c_str(), shell_.c_str()), 0);
    }
    SessionTest::configure(config);
  }
  void SetUp() override {
    if (::access(GetParam(), X_OK) != 0) GTEST_SKIP() << "not installed";
    SessionTest::SetUp();
    if (!HasFatalFailure()) ASSERT_EQ(create("s").status, 201);
  }
  void TearDown() override {
    if (daemon_) SessionTest::TearDown();
  }
  bool bash() const { return shell_.ends_with("bash"); }
  bool zsh() const { return shell_.ends_with("zsh"); }
  // The session still works, in its right mind.
  void expect_alive() {
    Outcome next = run("echo next");
    EXPECT_EQ(next.code, 0) << next.message;
    EXPECT_EQ(next.out, "next\n");
    EXPECT_EQ(next.err, "");
  }
  void expect_ended(int64_t code) {
    Outcome next = run("echo next");
    EXPECT_EQ(next.status, 410);
    EXPECT_EQ(next.error_code, "SESSION_ENDED");
    EXPECT_EQ(next.message,
              "failed to execute command: gone: the session has ended: its shell exited with code " +
                  std::to_string(code) + "; create another one");
  }
};
INSTANTIATE_TEST_SUITE_P(All, Shells,
                         ::testing::Values("/usr/bin/dash", "/usr/bin/bash", "/usr/bin/zsh",
                                           "/usr/bin/busybox"),
                         [](const auto& info) { return std::string(info.param).substr(9); });

TEST_P(Shells, KeepState) {
  EXPECT_EQ(run("cd /; export A=1; B=2; f() { echo \"f $A $B\"; }; echo x >&2; false").code, 1);
  Outcome seen = run("pwd; f; sh -c 'echo $A.$B'");
  EXPECT_EQ(seen.out, "/\nf 1 2\n1.\n");
  EXPECT_EQ(seen.output, kOut + "/\n" + kOut + "f 1 2\n" + kOut + "1.\n");
}

TEST_P(Shells, SyntaxErrorsEndOnlyTheCommand) {
  for (const char* bad :
       {"echo 'unbalanced", "echo \"unbalanced", "if true; then", ")", "}", "done", "echo $(", "a=("}) {
    Outcome result = run(bad);
    EXPECT_EQ(result.status, 200) << bad;
    EXPECT_NE(result.err, "") << bad;
    if (std::string_view(bad) != "a=(" || !result.code) EXPECT_NE(result.code, 0) << bad;
    expect_alive();
  }
}

TEST_P(Shells, HereDocuments) {
  EXPECT_EQ(run("cat <<EOF\na $((1+1))\n'quoted\nEOF").out, "a 2\n'quoted\n");
  EXPECT_EQ(run("cat <<'EOF'\n$x\nEOF\necho after").out, "$x\nafter\n");
  EXPECT_EQ(run("cat <<EOF\nunfinished").out, "unfinished\n");
  expect_alive();
}

TEST_P(Shells, NamesOfTheWrapperMayBeTaken) {
  for (const char* taken : {"echo() { :; }", "printf() { :; }", "command() { :; }", "builtin() { :; }",
                            "unset() { :; }", "printf() { exit 4; }; echo() { exit 3; }",
                            "alias echo=false command=false builtin=false unset=false"}) {
    EXPECT_EQ(run(taken).status, 200) << taken;  // POSIX shells refuse functions called like special builtins
    Outcome next = run("pwd");
    EXPECT_EQ(next.out, dir_ + "\n") << taken;
    EXPECT_EQ(next.code, 0) << taken;
  }
}

TEST_P(Shells, OptionsAndVariables) {
  for (const char* option :
       {"set -f", "set -C", "set -x", "set -v", "set -a", "IFS=0123456789", "PATH=", "unset HOME PATH"}) {
    EXPECT_EQ(run(option).code, 0) << option;
    Outcome next = run("(exit 10)");
    EXPECT_EQ(next.code, 10) << option;
  }
  EXPECT_EQ(run("set +x; set +v; true").code, 0);
  expect_alive();
}

TEST_P(Shells, UnsetVariablesUnderSetU) {
  EXPECT_EQ(run("set -u").code, 0);
  Outcome result = run("echo $NOPE; echo more");
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.err.find("NOPE"), std::string::npos);
  bash() ? expect_ended(1) : expect_alive();
}

TEST_P(Shells, SetEEndsTheSession) {
  EXPECT_EQ(run("set -e").code, 0);
  expect_alive();
  EXPECT_EQ(run("echo before; false; echo after").out, "before\n");
  expect_ended(1);
}

TEST_P(Shells, ExitEndsTheSession) {
  Outcome result = run("echo bye; exit 5");
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out, "bye\n");
  expect_ended(5);
}

TEST_P(Shells, ReturnEndsTheCommand) {
  EXPECT_EQ(run("echo a; return 7; echo b").code, 7);
  expect_alive();
}

TEST_P(Shells, ExecReplacesTheShell) {
  Outcome result = run("exec sh -c 'echo other; sleep 0.2; exit 9'");
  EXPECT_EQ(result.code, 9);
  EXPECT_EQ(result.out, "other\n");
  expect_ended(9);
}

TEST_P(Shells, SignalsEndTheSession) {
  EXPECT_EQ(run("kill -9 $$").code, 137);
  expect_ended(137);
}

TEST_P(Shells, RedirectionsLastForTheCommand) {
  EXPECT_EQ(run("exec 2>&1; echo e >&2").out, "e\n");
  EXPECT_EQ(run("echo o; echo e >&2").err, "e\n");
  EXPECT_EQ(run("exec >/dev/null; echo lost").out, "");
  EXPECT_EQ(run("exec >&- 2>&- <&-").status, 200);
  expect_alive();
  EXPECT_EQ(run("exec 7>" + at("seven") + "; echo x >&7").code, 0);
  EXPECT_EQ(run("echo y >&7; cat " + at("seven")).out, "x\ny\n");
}

TEST_P(Shells, Traps) {
  run("trap 'echo dbg' DEBUG");
  run("trap 'echo oops' ERR");
  run("trap 'printf x' USR1; trap '' HUP INT");
  Outcome result = run("kill -USR1 $$; false");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(run("trap 'echo at exit' EXIT").code, 0);
  EXPECT_TRUE(run("echo next").out.ends_with("next\n"));
  EXPECT_EQ(run("exit 6").code, 6);
}

TEST_P(Shells, ADirectoryThatIsGone) {
  EXPECT_EQ(run("mkdir " + at("gone") + "; cd " + at("gone") + "; rmdir " + at("gone")).code, 0);
  expect_alive();
  EXPECT_EQ(run("cd /; pwd").out, "/\n");
}

TEST_P(Shells, BytesAsTheyAre) {
  Outcome result = run("printf 'a\\000b\\377\\n\\001no marker\\002\\n\\r\\nlast'");
  EXPECT_EQ(result.out, "ab\xEF\xBF\xBD\n\x01no marker\x02\n\r\nlast\n");
  EXPECT_EQ(raw_log(result.id),
            kOut + "ab\xff\n" + kOut + "\x01no marker\x02\n" + kOut + "\r\n" + kOut + "last\n");
}

TEST_P(Shells, StdinOfASynchronousCommandIsEmpty) {
  EXPECT_EQ(run("cat; read x || echo \"end $x\"; wc -c").out, "end \n0\n");
}

TEST_P(Shells, Input) {
  Outcome started = run_async("read a; read b; echo \"got $a,$b\"; cat");
  ASSERT_EQ(started.status, 202);
  EXPECT_EQ(input(started.id, "one").status, 204);
  EXPECT_EQ(input(started.id, "two\n").status, 204);
  EXPECT_EQ(input(started.id, "three\nfour").status, 204);
  std::string wanted = kOut + "one\n" + kOut + "two\n" + kOut + "three\nfour\n";
  for (int i = 0;
       i < 300 && raw_log(started.id).find("four\n" + kOut + "got one,two\n") == std::string::npos &&
       raw_log(started.id).find(kOut + "four\n") == std::string::npos;
       ++i)
    sleep(Millis(10));
  std::string log = raw_log(started.id);
  EXPECT_NE(log.find(kOut + "got one,two\n"), std::string::npos) << log;
  EXPECT_NE(log.find(kOut + "three\n" + kOut + "four\n"), std::string::npos) << log;
  EXPECT_EQ(call("DELETE", "/process/session/s").status, 204);
}

TEST_P(Shells, BackgroundChildrenDoNotHoldTheAnswer) {
  Outcome result = run("(sleep 2; echo late) & echo now");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "now\n");
  expect_alive();
  EXPECT_EQ(run("wait; sleep 0.3").code, 0);
  EXPECT_EQ(raw_log(result.id), kOut + "now\n" + kOut + "late\n");
  EXPECT_LT(run("while :; do echo x; sleep 0.05; done & true").code, 1);
}

TEST_P(Shells, AShellThatDoesNotReportIsEnded) {
  Outcome result = run("echo seen; set -n");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.out, "seen\n");
  EXPECT_EQ(result.code, 137);
  expect_ended(137);
}

TEST_P(Shells, ManyCommandsAndMegabytes) {
  for (int i = 0; i < 50; ++i) ASSERT_EQ(run("echo " + std::to_string(i)).out, std::to_string(i) + "\n");
  Outcome big = run("yes 0123456789abcdef | head -c 34000000; echo e >&2");
  EXPECT_EQ(big.code, 0);
  EXPECT_EQ(big.out.size(), 34'000'000u);
  EXPECT_EQ(big.err, "e\n");
  EXPECT_EQ(big.output.size(), 34'000'000u / 17 * 20 + 5);
}

TEST_P(Shells, LinesWithoutEnd) {
  Outcome result = run("head -c 3000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero");
  EXPECT_EQ(result.out, std::string(3'000'000, 'x') + "\n");
}

}  // namespace
}  // namespace dt::daemon
