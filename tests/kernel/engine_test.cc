// The engine's promises one by one, with a test init in the daemon's place.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "libs/base/text.h"
#include "libs/linux/process.h"
#include "tests/kernel/harness.h"

namespace dt::runner::testing {
namespace {

TEST_F(EngineTest, LaunchesARootThatRunsCommands) {
  TestSandbox s = launch();
  EXPECT_EQ(s.output("id -u; hostname; cat /etc/resolv.conf /etc/hostname; pwd"),
            "0\nbox\nnameserver 192.0.2.1\nbox\n/root");
  EXPECT_NE(s.output("cat /etc/hosts").find("192.0.2.7\tbox"), std::string::npos);
  EXPECT_EQ(s.output("tr '\\0' ' ' < /proc/1/cmdline"), "daytona-daemon");
  EXPECT_EQ(s.output("readlink /proc/1/exe"), "/usr/local/bin/daytona");
  EXPECT_TRUE(stop(s));
  EXPECT_TRUE(engine_->cgroups().empty());
}

TEST_F(EngineTest, RunsAsTheImagesUserWithItsGroupsAndEnvironment) {
  TestSandbox s = prepare();
  s.spec.user = "daytona";
  s.spec.env = {{"GREETING", "hello world"}};
  s = launch(std::move(s));
  EXPECT_EQ(s.output("id"), "uid=1000(daytona) gid=1000(daytona) groups=1000(daytona),2000(extra)");
  EXPECT_EQ(s.output("echo $HOME $USER $GREETING; pwd; umask"),
            "/home/daytona daytona hello world\n/home/daytona\n0022");
  EXPECT_EQ(s.output("grep -h Cap /proc/1/status | tr -s '\\t\\n' ' '"),
            "CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: "
            "00000000a80425fb CapAmb: 0000000000000000");
  EXPECT_TRUE(stop(s));
}

TEST_F(EngineTest, NumericUsersNeedNoEntry) {
  TestSandbox s = launch("", "1234:4321");
  EXPECT_EQ(s.output("id -u; id -g; pwd"), "1234\n4321\n/");
}

TEST_F(EngineTest, SetUserIdWorksInside) {
  TestSandbox s = launch("", "daytona");
  EXPECT_EQ(s.probe("effective_root"), "effective_root: EPERM");
  EXPECT_EQ(s.output("/bin/suid probe effective_root"), "effective_root: ok");
}

TEST_F(EngineTest, FilesKeepImageIdsOnTheDiskAndPersist) {
  TestSandbox s = launch();
  EXPECT_EQ(
      s.run("echo kept > /root/file; chown 1000:1000 /root/file; rm /etc/shadow; echo more >> /etc/group")
          .exit,
      0);
  EXPECT_EQ(s.output("stat -c %u:%g /etc/passwd /root/file"), "0:0\n1000:1000");
  ASSERT_TRUE(stop(s));
  struct stat st;
  ASSERT_EQ(::stat((s.spec.upper + "/root/file").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 1000u);  // not the host range's number: a disk can change its range in O(1)
  s.spec.id_range += 4096 * 65'536u;
  TestSandbox again = launch(std::move(s));
  EXPECT_EQ(
      again.output("cat /root/file; stat -c %u /root/file; ls /etc/shadow 2>&1 | wc -l; tail -1 /etc/group"),
      "kept\n1000\n1\nmore");
}

TEST_F(EngineTest, APreparedImageNeedsNothingOnTheDisk) {
  std::string image = directory() + "/prepared";
  make_rootfs(image);
  ASSERT_TRUE(Engine::prepare_image(image));
  ASSERT_TRUE(Engine::prepare_image(image));
  TestSandbox s = prepare();
  s.spec.rootfs = image;
  s = launch(std::move(s));
  EXPECT_EQ(s.output("cat /etc/hostname; readlink /proc/1/exe"), "box\n/usr/local/bin/daytona");
  ASSERT_TRUE(stop(s));
  EXPECT_EQ(::rmdir(s.spec.upper.c_str()), 0) << "the disk is not empty";
}

TEST_F(EngineTest, DisksMayLieOnBtrfs) {
  std::string file = directory() + "/btrfs.img", mount = directory() + "/btrfs";
  std::string make = "truncate -s 256M " + file + " && mkfs.btrfs -q " + file + " && mkdir " + mount +
                     " && mount -o loop " + file + " " + mount;
  ASSERT_EQ(std::system(make.c_str()), 0) << "btrfs-progs is needed";
  {
    TestSandbox s = prepare();
    s.spec.upper = mount + "/upper";
    s.spec.work = mount + "/work";
    ::mkdir(s.spec.upper.c_str(), 0755);
    ::mkdir(s.spec.work.c_str(), 0755);
    s = launch(std::move(s));
    EXPECT_EQ(s.output("echo kept > /root/file; chown 1000 /root/file; mv /home /home2; stat -c %u "
                       "/root/file; ls /home2"),
              "1000\ndaytona");
    EXPECT_TRUE(stop(s));
    struct stat st;
    ASSERT_EQ(::stat((s.spec.upper + "/root/file").c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, 1000u);
    TestSandbox again = launch(std::move(s));
    EXPECT_EQ(again.output("cat /root/file"), "kept");
    EXPECT_TRUE(stop(again));
  }
  EXPECT_EQ(::umount(mount.c_str()), 0) << "something still uses the disk";
}

TEST_F(EngineTest, ProcessesHaveTheHostRangesIds) {
  TestSandbox s = launch("", "daytona");
  auto status = read_file("/proc/" + std::to_string(s.launched.pid) + "/status");
  ASSERT_TRUE(status);
  std::string id = std::to_string(s.spec.id_range + 1000);
  EXPECT_NE(status->find("Uid:\t" + id + "\t" + id), std::string::npos) << *status;
}

TEST_F(EngineTest, LimitsAreInForce) {
  TestSandbox s = prepare();
  s.spec.limits = {.cpus = 0.5, .memory_bytes = 64ull << 20, .pids = 20, .open_files = 512};
  s = launch(std::move(s));
  EXPECT_EQ(s.output("ulimit -n; ulimit -c"), "512\n0");
  // No swap, so 64 MiB are all there is: the hungry process dies, the init lives.
  CommandResult hungry = s.run("/usr/local/bin/daytona eat 200");
  EXPECT_NE(hungry.exit, 0);
  EXPECT_EQ(s.output("echo alive"), "alive");
  auto usage = engine_->usage(s.spec.id);
  ASSERT_TRUE(usage);
  EXPECT_GE(usage->oom_kills, 1u);
  EXPECT_GT(usage->cpu_usec, 0u);
  EXPECT_LE(usage->memory_bytes, 64ull << 20);
  EXPECT_GE(usage->pids, 1u);
  EXPECT_NE(s.run("for i in $(seq 40); do sleep 1 & done; wait").exit, 0);
  Limits wider{.cpus = 1, .memory_bytes = 256ull << 20, .pids = 100};
  ASSERT_TRUE(engine_->set_limits(s.spec.id, wider));
  EXPECT_EQ(s.run("/usr/local/bin/daytona eat 100").exit, 0);
}

TEST_F(EngineTest, TheSandboxReadsItsOwnLimits) {
  TestSandbox s = launch();
  EXPECT_EQ(
      s.output(
          "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"),
      std::to_string(256ull << 20));
}

TEST_F(EngineTest, FreezeStopsAndThawContinues) {
  TestSandbox s = launch();
  ASSERT_TRUE(engine_->freeze(s.spec.id, true));
  std::string answer;
  std::thread client([&] { answer = s.output("echo thawed"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_TRUE(answer.empty());
  ASSERT_TRUE(engine_->freeze(s.spec.id, false));
  client.join();
  EXPECT_EQ(answer, "thawed");
  ASSERT_TRUE(engine_->freeze(s.spec.id, true));
  EXPECT_TRUE(stop(s));  // a frozen sandbox can be ended too
}

TEST_F(EngineTest, TerminateIsGracefulThenFinalAndIdempotent) {
  TestSandbox s = launch();
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(stop(s, 10'000));  // the test init ends at SIGTERM
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(stop(s));
  EXPECT_TRUE(engine_->sweep(s.spec.id));
  EXPECT_FALSE(engine_->usage(s.spec.id));
  TestSandbox t = launch();
  std::thread stuck([&] {
    (void)t.run("trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000' & touch /tmp/started; sleep 1000");
  });
  while (t.run("test -e /tmp/started").exit != 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(stop(t, 0));
  stuck.join();
  EXPECT_TRUE(*linux_::pidfd_wait(t.launched.pidfd.get(), after(std::chrono::seconds(0))));
}

TEST_F(EngineTest, SandboxesOutliveTheEngineAndAreAdopted) {
  TestSandbox s = launch();
  engine_.reset();
  EXPECT_EQ(s.output("echo still here"), "still here");
  SetUp();
  EXPECT_EQ(engine_->cgroups(), std::vector{s.spec.id});
  EXPECT_FALSE(engine_->adopt(s.launched.pid, s.launched.start_time + 1));
  auto pidfd = engine_->adopt(s.launched.pid, s.launched.start_time);
  ASSERT_TRUE(pidfd);
  EXPECT_TRUE(engine_->terminate(s.spec.id, pidfd->get(), 1000));
  EXPECT_FALSE(engine_->adopt(s.launched.pid, s.launched.start_time));
}

TEST_F(EngineTest, ADeadSpawnerHurtsNoSandboxAndIsReplaced) {
  TestSandbox s = launch();
  pid_t old = engine_->spawner_pid();
  ASSERT_EQ(::kill(old, SIGKILL), 0);
  EXPECT_EQ(s.output("echo alive"), "alive");
  TestSandbox t = launch();
  EXPECT_EQ(t.output("echo new"), "new");
  EXPECT_NE(engine_->spawner_pid(), old);
  EXPECT_TRUE(stop(s));
}

TEST_F(EngineTest, KillingTheSpawnerDuringLaunchesLeavesNothingHalfMade) {
  Books before = books();
  std::atomic<bool> done{false};
  std::atomic<int> good{0}, bad{0};
  std::thread killer([&] {
    for (unsigned seed = 7; !done; seed = seed * 1103515245 + 12345) {
      std::this_thread::sleep_for(std::chrono::microseconds(3000 + seed % 30'000));
      if (pid_t pid = engine_->spawner_pid(); pid > 0) ::kill(pid, SIGKILL);
    }
  });
  std::vector<TestSandbox> all;
  for (int i = 0; i < 60; ++i) all.push_back(prepare());
  auto work = [&](size_t from) {
    for (size_t i = from; i < all.size(); i += 3) {
      auto launched = engine_->launch(all[i].spec);
      if (!launched) {
        ++bad;
        EXPECT_FALSE(read_file("/proc/" + std::to_string(all[i].launched.pid) + "/stat") &&
                     all[i].launched.pid);
        continue;
      }
      ++good;
      all[i].launched = std::move(*launched);
      EXPECT_EQ(all[i].output("echo works"), "works");
    }
  };
  std::vector<std::thread> workers;
  for (size_t i = 0; i < 3; ++i) workers.emplace_back(work, i);
  for (auto& w : workers) w.join();
  done = true;
  killer.join();
  printf("%d launched, %d failed while the spawner was being killed\n", good.load(), bad.load());
  EXPECT_GT(good, 0);
  EXPECT_EQ(engine_->cgroups().size(), static_cast<size_t>(good));
  for (auto& s : all)
    if (s.launched.pid != 0) EXPECT_TRUE(stop(s, 0));
  all.clear();
  launch();  // a spawner that was killed last is replaced
  for (auto& id : engine_->cgroups()) EXPECT_TRUE(engine_->sweep(id));
  EXPECT_EQ(books(), before);
}

class FailedLaunch : public EngineTest {
 protected:
  void expect_failure(LaunchSpec spec, const std::string& reason) {
    Books before = books();
    auto launched = engine_->launch(spec);
    ASSERT_FALSE(launched);
    EXPECT_NE(launched.error().message.find(reason), std::string::npos) << launched.error().message;
    EXPECT_EQ(books(), before);
    EXPECT_TRUE(engine_->cgroups().empty());
  }
  void expect_failure_with_daemon(EngineConfig config, LaunchSpec spec, const std::string& reason) {
    auto engine = Engine::create(std::move(config));
    ASSERT_TRUE(engine) << engine.error().message;
    std::swap(engine_, *engine);
    expect_failure(std::move(spec), reason);
  }
};

TEST_F(FailedLaunch, NoImage) {
  TestSandbox s = prepare();
  s.spec.rootfs = "/nonexistent/rootfs";
  expect_failure(s.spec, "image");
}
TEST_F(FailedLaunch, NoDisk) {
  TestSandbox s = prepare();
  ::rmdir(s.spec.work.c_str());
  expect_failure(s.spec, "workdir");
}
TEST_F(FailedLaunch, ImageIsAFile) {
  TestSandbox s = prepare();
  s.spec.rootfs += "/etc/passwd";
  expect_failure(s.spec, "start sandbox");
}
TEST_F(FailedLaunch, UnknownUser) {
  TestSandbox s = prepare();
  s.spec.user = "nobody-here";
  expect_failure(s.spec, "has no user \"nobody-here\"");
}
TEST_F(FailedLaunch, BadNetworkNamespace) {
  TestSandbox s = prepare();
  s.spec.netns = s.listener.get();
  expect_failure(s.spec, "setns");
}
TEST_F(FailedLaunch, HugeEnvironment) {
  TestSandbox s = prepare();
  s.spec.env["BIG"] = std::string(200'000, 'x');
  expect_failure(s.spec, "128 KiB");
}
TEST_F(FailedLaunch, BadNames) {
  TestSandbox s = prepare();
  for (const char* id : {"", ".", "..", "../x", "a/b", "a b"}) {
    s.spec.id = SandboxId(id);
    expect_failure(s.spec, "sandbox id");
  }
}
TEST_F(FailedLaunch, DaemonIsNotExecutable) {
  EngineConfig c = config();
  c.daemon_path = rootfs() + "/etc/passwd";
  EXPECT_FALSE(Engine::create(c));
  c.daemon_path = rootfs() + "/missing";
  EXPECT_FALSE(Engine::create(c));
}
TEST_F(FailedLaunch, DaemonIsNoProgram) {
  EngineConfig c = config();
  c.daemon_path = directory() + "/not-a-program";
  {
    Fd fd(::open(c.daemon_path.c_str(), O_CREAT | O_WRONLY, 0755));
    ASSERT_TRUE(write_all(fd.get(), "nonsense"));
  }
  expect_failure_with_daemon(c, prepare().spec, "execute the daemon");
}
TEST_F(FailedLaunch, DaemonEndsAtOnce) {
  TestSandbox s = prepare();
  s.spec.args = {"exit"};
  expect_failure(s.spec, "ended before it was ready");
}
TEST_F(FailedLaunch, DaemonNeverReady) {
  EngineConfig c = config();
  c.ready_timeout_ms = 300;
  TestSandbox s = prepare();
  s.spec.args = {"silent"};
  expect_failure_with_daemon(c, s.spec, "not ready within 300 ms");
}
TEST_F(FailedLaunch, SpawnerMissing) {
  EngineConfig c = config();
  c.spawner_path = "/nonexistent/spawner";
  EXPECT_FALSE(Engine::create(c));
  c.spawner_path = "/bin/false";
  EXPECT_FALSE(Engine::create(c));
}
TEST_F(FailedLaunch, TwiceTheSameId) {
  TestSandbox s = launch();
  auto again = engine_->launch(s.spec);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_EQ(s.output("echo unharmed"), "unharmed");
}

TEST_F(EngineTest, AHundredAtOnce) {
  Books before = books();
  {
    std::vector<TestSandbox> all;
    for (int i = 0; i < 100; ++i) all.push_back(prepare());
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (auto& s : all)
      threads.emplace_back([&] {
        auto launched = engine_->launch(s.spec);
        if (!launched) {
          ++failures;
          ADD_FAILURE() << launched.error().message;
          return;
        }
        s.launched = std::move(*launched);
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(engine_->cgroups().size(), 100u);
    for (auto& s : all) EXPECT_EQ(s.output("echo up"), "up");
    for (auto& s : all) EXPECT_TRUE(stop(s, 0));
  }
  EXPECT_EQ(books(), before);
}

TEST_F(EngineTest, TheDaemonInheritsOnlyItsDescriptors) {
  Pipe log = *make_pipe();
  TestSandbox s = prepare();
  s.spec.log = log.write.get();
  s = launch(std::move(s));
  // 4 is closed by the init after its byte; what the command itself opens is not the init's.
  EXPECT_EQ(s.output("ls /proc/1/fd | tr '\\n' ' '"), "0 1 2 3");
  EXPECT_EQ(s.output("readlink /proc/1/fd/0"), "/dev/null");
}

}  // namespace
}  // namespace dt::runner::testing

int main(int argc, char** argv) { return dt::runner::testing::run_tests(argc, argv); }
