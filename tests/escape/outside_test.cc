// Walls "processes", "resources" and "identity": nobody inside sees, signals, talks to or starves what is
// outside.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <thread>

#include "libs/base/text.h"
#include "libs/linux/process.h"
#include "tests/kernel/harness.h"

namespace dt::runner::testing {
namespace {

using EscapeOutside = EngineTest;

TEST_F(EscapeOutside, ProcessesOutsideAreInvisibleAndUntouchable) {
  TestSandbox s = launch();
  std::string self = std::to_string(::getpid()), spawner = std::to_string(engine_->spawner_pid());
  EXPECT_NE(s.run("kill -9 " + self).exit, 0);
  EXPECT_NE(s.run("kill -9 " + spawner).exit, 0);
  EXPECT_NE(s.run("test -e /proc/" + self).exit, 0);
  (void)s.run("kill -9 -1");  // everything it may signal: itself
  EXPECT_EQ(::kill(engine_->spawner_pid(), 0), 0);
  EXPECT_EQ(s.output("grep PPid /proc/1/status | tr -dc 0-9"), "0");
}

TEST_F(EscapeOutside, AnotherSandboxIsInvisible) {
  TestSandbox a = launch(), b = launch();
  EXPECT_EQ(a.run("echo secret > /dev/shm/secret; echo secret > /tmp/secret").exit, 0);
  EXPECT_EQ(b.output("ls -A /dev/shm /dev/mqueue /tmp | grep secret"), "");
  EXPECT_EQ(b.output("ls /proc | grep -c '^[0-9]'").size(), 1u);
  EXPECT_NE(a.spec.id_range, b.spec.id_range);
}

TEST_F(EscapeOutside, AnUnprivilegedUserCannotTraceTheInit) {
  TestSandbox s = launch();  // init is root inside
  EXPECT_EQ(s.output("su daytona -c '/usr/local/bin/daytona probe ptrace_init'"), "ptrace_init: EPERM");
}

TEST_F(EscapeOutside, TheHostsAbstractSocketsAreOutOfReach) {
  std::string name = "dt-escape-" + std::to_string(::getpid());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{AF_UNIX, {}};
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  TestSandbox s = launch();
  EXPECT_EQ(s.output("/usr/local/bin/daytona connect-abstract " + name), "ECONNREFUSED");
  EXPECT_EQ(s.output("grep -c dt-escape /proc/net/unix"), "0");
}

TEST_F(EscapeOutside, AForkBombIsBounded) {
  TestSandbox s = prepare();
  s.spec.limits.pids = 64;
  s = launch(std::move(s));
  std::thread bomb([&] { (void)s.run("touch /tmp/on; b() { b | b & }; b; while true; do sleep 1 & done"); });
  while (s.run("test -e /tmp/on").exit == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  auto usage = engine_->usage(s.spec.id);
  ASSERT_TRUE(usage);
  EXPECT_LE(usage->pids, 64u);
  TestSandbox other = launch();  // the host and other sandboxes still make processes
  EXPECT_EQ(other.output("echo fine"), "fine");
  EXPECT_TRUE(stop(s, 0));
  bomb.join();
  EXPECT_TRUE(engine_->cgroups() == std::vector{other.spec.id});
}

TEST_F(EscapeOutside, AMemoryBombKillsInsideOnly) {
  TestSandbox s = prepare();
  s.spec.limits.memory_bytes = 64ull << 20;
  s = launch(std::move(s));
  TestSandbox other = launch();
  EXPECT_NE(s.run("/usr/local/bin/daytona eat 400").exit, 0);
  EXPECT_NE(s.run("head -c 400m /dev/zero > /dev/shm/fill").exit, 0);
  EXPECT_EQ(other.output("echo fine"), "fine");
  auto usage = engine_->usage(other.spec.id);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->oom_kills, 0u);
}

TEST_F(EscapeOutside, InsideRootIsNobodyOutside) {
  TestSandbox s = launch();
  auto status = read_file("/proc/" + std::to_string(s.launched.pid) + "/status");
  ASSERT_TRUE(status);
  std::string id = std::to_string(s.spec.id_range);
  EXPECT_NE(status->find("Uid:\t" + id + "\t" + id + "\t" + id + "\t" + id), std::string::npos);
  EXPECT_NE(status->find("Gid:\t" + id + "\t" + id + "\t" + id + "\t" + id), std::string::npos);
  EXPECT_EQ(status->find("Groups:\t0"), std::string::npos);
}

TEST_F(EscapeOutside, EveryNamespaceIsTheSandboxsOwn) {
  TestSandbox s = launch();
  for (const char* name : {"user", "pid", "mnt", "ipc", "uts", "net", "cgroup", "time"}) {
    char host[64]{}, inside[64]{};
    ASSERT_GT(::readlink((std::string("/proc/self/ns/") + name).c_str(), host, sizeof host - 1), 0);
    ASSERT_GT(::readlink(("/proc/" + std::to_string(s.launched.pid) + "/ns/" + name).c_str(), inside,
                         sizeof inside - 1),
              0);
    EXPECT_STRNE(host, inside);
  }
}

}  // namespace
}  // namespace dt::runner::testing
