// Wall "file system": /proc, /sys, /dev, the image's links, the daemon's executable, what the disk means to
// the host.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "libs/base/text.h"
#include "tests/kernel/harness.h"

namespace dt::runner::testing {
namespace {

class EscapeFiles : public EngineTest {
 protected:
  // Tries to open every file below `directory` for writing (nothing is written); prints those that open.
  static std::string writable_files(const TestSandbox& s, const std::string& directory) {
    return s.output("for f in $(find " + directory +
                    " -xdev -type f 2>/dev/null); do ( : >> $f ) 2>/dev/null && echo $f; done");
  }
  std::string victim() {
    std::string path = directory() + "/victim";
    std::ofstream(path) << "untouched";
    return path;
  }
};

TEST_F(EscapeFiles, ProcSysIsReadOnly) {
  TestSandbox s = launch();
  auto before = read_file("/proc/sys/kernel/core_pattern");
  EXPECT_EQ(writable_files(s, "/proc/sys"), "");
  EXPECT_NE(s.run("echo '|/tmp/evil' > /proc/sys/kernel/core_pattern").exit, 0);
  EXPECT_NE(s.run("echo /tmp/evil > /proc/sys/kernel/modprobe").exit, 0);
  EXPECT_EQ(*read_file("/proc/sys/kernel/core_pattern"), *before);
  EXPECT_EQ(writable_files(s, "/proc/bus /proc/fs /proc/irq"), "");
}

TEST_F(EscapeFiles, SysRqCannotBeTriggered) {
  TestSandbox s = launch();
  EXPECT_NE(s.run(": >> /proc/sysrq-trigger").exit, 0);
}

TEST_F(EscapeFiles, ProcShowsNothingOfTheKernelsMemory) {
  TestSandbox s = launch();
  for (const char* file :
       {"kcore", "keys", "timer_list", "kallsyms", "kpagecount", "kmsg", "sched_debug", "interrupts"})
    EXPECT_EQ(s.output("head -c 64 /proc/" + std::string(file) + " 2>/dev/null | wc -c"), "0") << file;
}

TEST_F(EscapeFiles, SysIsReadOnlyAndWithoutTheMachinesSecrets) {
  TestSandbox s = launch();
  EXPECT_EQ(writable_files(s, "/sys"), "");
  for (const char* dir :
       {"firmware", "class/dmi", "kernel/security", "kernel/debug", "kernel/tracing", "fs/bpf"})
    EXPECT_EQ(s.output("ls -A /sys/" + std::string(dir) + " 2>/dev/null"), "") << dir;
  EXPECT_EQ(s.output("ls /sys/class/net"), "lo");
  EXPECT_EQ(s.output("find /sys -name product_uuid -o -name board_serial 2>/dev/null"), "");
}

TEST_F(EscapeFiles, CgroupsCannotBeChanged) {
  TestSandbox s = launch();
  EXPECT_EQ(s.output("for f in $(find /sys/fs/cgroup -type f); do ( : >> $f ) 2>/dev/null && echo $f; done"),
            "");
  EXPECT_EQ(s.output("find /sys/fs/cgroup -name release_agent"), "");
  EXPECT_NE(s.run("mkdir /sys/fs/cgroup/memory/x || mkdir /sys/fs/cgroup/x").exit, 0);
  EXPECT_EQ(s.output("grep -v name=daytona /proc/self/cgroup | grep -c dt-kernel-test"),
            "0");  // its own group is the root
}

TEST_F(EscapeFiles, DeviceNodesCannotBeMadeNorUsed) {
  TestSandbox s = prepare();
  ASSERT_EQ(::mknod((s.spec.upper + "/planted").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  s = launch(std::move(s));
  for (const char* node : {"b 8 0", "b 254 0", "c 1 1", "c 1 3", "c 10 200", "c 5 1"})
    EXPECT_NE(s.run("mknod /tmp/node " + std::string(node)).exit, 0) << node;
  EXPECT_NE(s.run("mknod /dev/mem c 1 1").exit, 0);
  EXPECT_NE(s.run("head -c 1 /planted").exit, 0);  // the disk is mounted nodev
  EXPECT_EQ(s.output("ls /dev | tr '\\n' ' '"),
            "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero");
  EXPECT_EQ(s.output("head -c 3 /dev/zero | wc -c; echo x > /dev/null && echo ok"), "3\nok");
}

TEST_F(EscapeFiles, TheDaemonCannotBeOverwritten) {
  auto before = read_file(DT_TEST_INIT);
  TestSandbox s = launch();
  for (const char* command : {"cat /bin/busybox > /proc/1/exe", "cat /bin/busybox > /usr/local/bin/daytona",
                              "rm -f /usr/local/bin/daytona", "mv /bin/busybox /usr/local/bin/daytona",
                              "chmod 777 /usr/local/bin/daytona", "chown 0 /proc/1/exe",
                              "truncate -s 0 /proc/1/exe", "touch /proc/1/exe"})
    EXPECT_NE(s.run(command).exit, 0) << command;
  EXPECT_TRUE(*before == *read_file(DT_TEST_INIT));
}

TEST_F(EscapeFiles, LinksOfTheImageAreNotFollowedOutside) {
  std::string target = victim();
  TestSandbox s = prepare();
  ASSERT_EQ(::mkdir((s.spec.upper + "/etc").c_str(), 0755), 0);
  for (const char* name : {"resolv.conf", "hosts", "hostname"})
    ASSERT_EQ(::symlink(("../../../../../../../../../.." + target).c_str(),
                        (s.spec.upper + "/etc/" + name).c_str()),
              0);
  ASSERT_EQ(::mkdir((s.spec.upper + "/usr").c_str(), 0755), 0);
  ASSERT_EQ(::symlink(directory().c_str(), (s.spec.upper + "/usr/local").c_str()), 0);
  s = launch(std::move(s));
  EXPECT_EQ(*read_file(target), "untouched");
  EXPECT_EQ(s.output("cat /etc/resolv.conf"), "nameserver 192.0.2.1");
  EXPECT_NE(::access((directory() + "/bin").c_str(), F_OK), 0);
  struct stat st;
  ASSERT_EQ(::stat(target.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0644u);
}

TEST_F(EscapeFiles, AbsoluteLinksToHostFilesStayInside) {
  TestSandbox s = prepare();
  ASSERT_EQ(::mkdir((s.spec.upper + "/etc").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("/etc/shadow", (s.spec.upper + "/etc/resolv.conf").c_str()), 0);
  ASSERT_EQ(::symlink("/proc/1/root/etc/passwd", (s.spec.upper + "/etc/hosts").c_str()), 0);
  s = launch(std::move(s));
  auto host = read_file("/etc/shadow");
  EXPECT_EQ(s.output("cat /etc/resolv.conf"), "nameserver 192.0.2.1");
  EXPECT_TRUE(*host == *read_file("/etc/shadow"));
}

TEST_F(EscapeFiles, MountPointsThatAreLinksAreRefused) {
  for (const char* name : {"proc", "sys", "dev"}) {
    TestSandbox s = prepare();
    ASSERT_EQ(::symlink("/tmp", (s.spec.upper + "/" + name).c_str()), 0);
    auto launched = engine_->launch(s.spec);
    ASSERT_FALSE(launched) << name;
    EXPECT_NE(launched.error().message.find("not a plain directory"), std::string::npos)
        << launched.error().message;
  }
  EXPECT_TRUE(engine_->cgroups().empty());
}

TEST_F(EscapeFiles, StrangeAccountFilesDoNotHoldUpALaunch) {
  for (int kind = 0; kind < 4; ++kind) {
    TestSandbox s = prepare();
    ASSERT_EQ(::mkdir((s.spec.upper + "/etc").c_str(), 0755), 0);
    std::string passwd = s.spec.upper + "/etc/passwd";
    if (kind == 0) ASSERT_EQ(::mkfifo(passwd.c_str(), 0666), 0);
    if (kind == 1) ASSERT_EQ(::symlink("/proc/self/environ", passwd.c_str()), 0);
    if (kind == 2) ASSERT_EQ(::mkdir(passwd.c_str(), 0755), 0);
    if (kind == 3) {
      std::ofstream(passwd) << "";
      ASSERT_EQ(::truncate(passwd.c_str(), 1LL << 40), 0);
    }
    s = launch(std::move(s));
    EXPECT_EQ(s.output("grep -c Uid:.0 /proc/self/status"), "1") << kind;
    EXPECT_TRUE(stop(s));
  }
}

TEST_F(EscapeFiles, SetUserIdFilesMeanNothingOnTheHost) {
  TestSandbox s = launch();
  EXPECT_EQ(s.run("cp /bin/busybox /tmp/rootshell && chmod 4755 /tmp/rootshell").exit, 0);
  std::string path = s.spec.upper + "/tmp/rootshell";
  struct stat st;
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  // On the disk it is set-uid root, so no host user may get there: the directory above is closed (and the
  // pool is nosuid).
  pid_t pid = ::fork();
  if (pid == 0) {
    if (::setresgid(12345, 12345, 12345) < 0 || ::setresuid(12345, 12345, 12345) < 0) ::_exit(2);
    ::execl(path.c_str(), "rootshell", "true", nullptr);
    ::_exit(errno == EACCES ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(EscapeFiles, TheOldRootIsGone) {
  TestSandbox s = launch();
  EXPECT_EQ(s.output("ls -d /cg /daemon /lower /disk /empty 2>/dev/null"), "");
  EXPECT_EQ(s.output("/usr/local/bin/daytona chroot-escape | tr ' ' '\\n' | grep -E "
                     "'^(cg|daemon|lower|disk|boot|lost.found)$'"),
            "");
  EXPECT_EQ(s.output("ls /proc/1/root/ /proc/1/cwd/../ | grep -E '^(cg|daemon|lower|disk)$'"), "");
  std::string mounts = s.output("cat /proc/self/mountinfo");
  EXPECT_EQ(mounts.find("shared:"), std::string::npos);
  EXPECT_EQ(mounts.find("master:"), std::string::npos);
  EXPECT_EQ(mounts.find("dt-kernel-test"), std::string::npos) << mounts;  // no host path shows
}

TEST_F(EscapeFiles, IdMapsCannotBeChanged) {
  TestSandbox s = launch();
  EXPECT_EQ(s.output("tr -s ' ' < /proc/self/uid_map"), "0 " + std::to_string(s.spec.id_range) + " 65536");
  EXPECT_NE(s.run("echo '0 0 1' > /proc/self/uid_map").exit, 0);
  EXPECT_NE(s.run("echo '0 0 1' > /proc/1/gid_map").exit, 0);
}

}  // namespace
}  // namespace dt::runner::testing
