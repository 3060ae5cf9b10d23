#include "apps/daemon/pty/pty.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "apps/daemon/process/reaper.h"
#include "libs/net/stream.h"

namespace dt::daemon {
namespace {

struct PtyTest : ::testing::Test {
  // What the program prints on a terminal until its end.
  std::string run(const char* script, WindowSize size) {
    std::string out;
    loop.run_until(collect(*this, script, size, out));
    return out;
  }
  static Task<void> collect(PtyTest& t, const char* script, WindowSize size, std::string& out) {
    Reaper reaper;
    TaskScope scope("reaper");
    scope.spawn(reaper.run());
    auto pty = Pty::open(size);
    EXPECT_TRUE(pty.has_value());
    char sh[] = "/bin/sh", c[] = "-c";
    std::string text = script;
    char* argv[] = {sh, c, text.data(), nullptr};
    char* envp[] = {nullptr};
    auto pid = pty->spawn(t.spawner, {.program = sh, .argv = argv, .envp = envp});
    EXPECT_TRUE(pid.has_value());
    EXPECT_FALSE(pty->spawn(t.spawner, {.program = sh, .argv = argv, .envp = envp}).has_value());
    Child child(reaper, *pid);
    Stream master(pty->take_master());
    char buffer[4096];
    for (;;) {
      auto got = co_await master.read_some(buffer);
      EXPECT_TRUE(got.has_value());
      if (!got || *got == 0) break;
      out.append(buffer, *got);
    }
    co_await child.wait();
    t.exit_code = child.exit_code();
    reaper.stop();
    co_await scope.join();
  }
  Loop loop;
  Spawner spawner;
  int exit_code = -99;
};

TEST_F(PtyTest, ProgramHasItAsControllingTerminalWithTheWantedSize) {
  EXPECT_EQ(run("stty size; echo here >/dev/tty; exit 3", {.cols = 132, .rows = 43}), "43 132\r\nhere\r\n");
  EXPECT_EQ(exit_code, 3);
}

TEST_F(PtyTest, ProgramLeadsItsSessionInTheForeground) {
  EXPECT_EQ(run("read a b c d e f g h rest </proc/$$/stat; [ $e = $$ ] && [ $f = $$ ] && [ $h = $$ ] && echo "
                "leader",
                {}),
            "leader\r\n");
}

TEST_F(PtyTest, NoOtherDescriptors) {
  EXPECT_EQ(run("cd /proc/$$/fd; for f in *; do [ -e $f ] && [ $f -lt 10 ] && echo -n $f,; done", {}),
            "0,1,2,");
}

TEST_F(PtyTest, ProgramThatDoesNotExistLeavesTheTerminalUsable) {
  auto pty = Pty::open({});
  ASSERT_TRUE(pty.has_value());
  char none[] = "/no/such";
  char* argv[] = {none, nullptr};
  char* envp[] = {nullptr};
  auto pid = pty->spawn(spawner, {.program = none, .argv = argv, .envp = envp});
  ASSERT_FALSE(pid.has_value());
  EXPECT_EQ(pid.error().message, "fork/exec /no/such: no such file or directory");
  EXPECT_TRUE(pty->resize({.cols = 10, .rows = 5}).has_value());
  EXPECT_GE(pty->terminal(), 3);
}

}  // namespace
}  // namespace dt::daemon
