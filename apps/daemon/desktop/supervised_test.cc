// Real small programs, supervised: they are started again, their output is kept, and whatever they started
// ends with them.
#include "apps/daemon/desktop/supervised.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace dt::daemon::desktop {
namespace {

std::string content(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

size_t lines(const std::string& path) {
  std::string text = content(path);
  return static_cast<size_t>(std::ranges::count(text, '\n'));
}

class SupervisedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/supervised-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    scope_.emplace("test");
    loop_.run_until(begin(*this));
  }
  void TearDown() override {
    loop_.run_until(end(*this));
    supervised_.reset();
    scope_.reset();
    std::filesystem::remove_all(dir_);
  }
  static Task<void> begin(SupervisedTest& t) {
    t.scope_->spawn(t.process_.reaper.run());
    co_return;
  }
  static Task<void> end(SupervisedTest& t) {
    if (t.supervised_) co_await t.supervised_->stop();
    t.process_.reaper.stop();
    co_await t.scope_->join();
  }

  Supervised& make(Millis restart = Millis(20)) {
    supervised_ = std::make_unique<Supervised>(process_, files_,
                                               Supervised::Times{.restart = restart, .grace = Millis(500)});
    return *supervised_;
  }
  Program shell(std::string script, bool auto_restart = true) {
    Program out;
    out.path = "/bin/sh";
    out.arguments = {"-c", std::move(script)};
    out.envs = {{"GIVEN", "to it"}};
    out.cwd = dir_;
    out.log_path = dir_ + "/logs/p.log";
    out.error_path = dir_ + "/logs/p.err";
    out.auto_restart = auto_restart;
    return out;
  }
  std::string at(std::string_view name) const { return dir_ + "/" + std::string(name); }

  template <class Condition>
  void until(Condition condition) {
    loop_.run_until(poll(std::function<bool()>(condition)));
    EXPECT_TRUE(condition());
  }
  static Task<void> poll(std::function<bool()> condition) {
    Mono limit = after(std::chrono::seconds(20));
    while (!condition() && std::chrono::steady_clock::now() < limit)
      co_await Loop::current().sleep_for(Millis(5));
  }

  std::string dir_;
  Loop loop_;
  ProcessContext process_{environ};
  WorkerPool files_{1, "files"};
  std::optional<TaskScope> scope_;
  std::unique_ptr<Supervised> supervised_;
};

TEST_F(SupervisedTest, OutputIsAppendedToItsFiles) {
  Supervised& program = make();
  std::filesystem::create_directories(at("logs"));
  std::ofstream(at("logs/p.log")) << "from before\n";
  loop_.run_until(program.start(shell("echo out $GIVEN; echo err >&2; pwd; exec sleep 60")));
  until([&] { return lines(at("logs/p.log")) == 3; });
  EXPECT_EQ(content(at("logs/p.log")), "from before\nout to it\n" + dir_ + "\n");
  EXPECT_EQ(content(at("logs/p.err")), "err\n");
  EXPECT_EQ(std::filesystem::status(at("logs/p.err")).permissions(), std::filesystem::perms(0644));
}

TEST_F(SupervisedTest, WhatEndsIsStartedAgainUntilItIsStopped) {
  Supervised& program = make();
  loop_.run_until(program.start(shell("echo run >>runs; exit 3")));
  until([&] { return lines(at("runs")) >= 4; });
  EXPECT_TRUE(program.supervised());
  loop_.run_until(program.stop());
  EXPECT_FALSE(program.supervised());
  EXPECT_FALSE(program.pid().has_value());
  size_t runs = lines(at("runs"));
  loop_.run_until(poll([n = 0]() mutable { return ++n > 20; }));  // several pauses long
  EXPECT_EQ(lines(at("runs")), runs);
}

TEST_F(SupervisedTest, AKilledProgramComesBackWithAnotherPid) {
  Supervised& program = make();
  loop_.run_until(program.start(shell("exec sleep 60")));
  pid_t first = program.pid().value();
  ::kill(first, SIGKILL);
  until([&] { return program.pid() && *program.pid() != first; });
}

TEST_F(SupervisedTest, InThePauseItIsSupervisedWithoutAPid) {
  Supervised& program = make(Millis(3'600'000));
  loop_.run_until(program.start(shell("exit 0")));
  until([&] { return !program.pid(); });
  EXPECT_TRUE(program.supervised());
  loop_.run_until(program.stop());  // and the pause does not hold the stop
  EXPECT_FALSE(program.supervised());
}

TEST_F(SupervisedTest, WithoutRestartItEndsOnce) {
  Supervised& program = make();
  loop_.run_until(program.start(shell("echo run >>runs", false)));
  until([&] { return !program.supervised(); });
  EXPECT_EQ(lines(at("runs")), 1u);
  loop_.run_until(program.start(shell("echo run >>runs", false)));
  until([&] { return !program.supervised() && lines(at("runs")) == 2; });
}

TEST_F(SupervisedTest, StartingTwiceStartsOnce) {
  Supervised& program = make();
  loop_.run_until(program.start(shell("echo run >>runs; exec sleep 60")));
  pid_t pid = program.pid().value();
  loop_.run_until(program.start(shell("echo other >>runs; exec sleep 60")));
  until([&] { return lines(at("runs")) == 1; });
  EXPECT_EQ(program.pid(), pid);
  EXPECT_EQ(content(at("runs")), "run\n");
}

// A child, a grandchild whose parent ended, one in a session of its own, and one that ignores SIGTERM.
TEST_F(SupervisedTest, StopEndsTheWholeTree) {
  Supervised& program = make();
  loop_.run_until(program.start(shell(R"sh(
    sleep 600 & echo $! >>pids
    (sleep 600 & echo $! >>pids)
    setsid sh -c 'echo $$ >>pids; exec env -i sleep 600' &
    setsid sh -c 'trap "" TERM; echo $$ >>pids; while :; do sleep 600; done' &
    wait)sh")));
  until([&] { return lines(at("pids")) == 4; });
  std::vector<pid_t> pids{program.pid().value()};
  std::ifstream in(at("pids"));
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  loop_.run_until(program.stop());
  for (pid_t pid : pids) EXPECT_NE(::kill(pid, 0), 0) << pid;
}

TEST_F(SupervisedTest, WhatAnEndedProgramLeftBehindIsGoneBeforeTheNextStart) {
  Supervised& program = make();
  loop_.run_until(program.start(shell(R"sh(
    [ ! -e left ] || ! kill -0 "$(cat left)" 2>/dev/null || echo alive >>found
    setsid sleep 600 & echo $! >left
    echo run >>runs)sh")));
  until([&] { return lines(at("runs")) >= 3; });
  EXPECT_FALSE(std::filesystem::exists(at("found")));
}

TEST_F(SupervisedTest, StopIsPoliteFirst) {
  Supervised& program = make();
  loop_.run_until(
      program.start(shell("trap 'echo bye >said; exit' TERM; echo ready >up; while :; do sleep 0.01; done")));
  until([&] { return lines(at("up")) == 1; });
  loop_.run_until(program.stop());
  EXPECT_EQ(content(at("said")), "bye\n");
}

TEST_F(SupervisedTest, AProgramThatCannotBeExecutedSaysSoInItsErrors) {
  Supervised& program = make();
  Program broken = shell("");
  broken.path = "/nonexistent/program";
  loop_.run_until(program.start(broken));
  until([&] { return lines(at("logs/p.err")) >= 2; });  // and it is tried again
  EXPECT_NE(content(at("logs/p.err")).find("/nonexistent/program"), std::string::npos);
  EXPECT_TRUE(program.supervised());
}

}  // namespace
}  // namespace dt::daemon::desktop
