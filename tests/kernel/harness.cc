#include "tests/kernel/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/linux/cgroup.h"

namespace dt::runner::testing {
namespace {

std::unique_ptr<TempDirectory> suite_directory;
std::atomic<uint32_t> next_range{0};

std::string cgroup_parent() { return "dt-kernel-test-" + std::to_string(::getpid()); }

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

size_t count_entries(const char* path) {
  size_t n = 0;
  DIR* d = ::opendir(path);
  if (d == nullptr) return 0;
  while (::readdir(d) != nullptr) ++n;
  ::closedir(d);
  return n;
}

Fd listen_on(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{AF_UNIX, {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 128), 0);
  return fd;
}

Fd connect_to(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval patience{60, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_un address{AF_UNIX, {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return Fd();
  return fd;
}

int remove_entry(const char* path, const struct stat*, int, FTW*) { return ::remove(path); }

}  // namespace

TempDirectory::TempDirectory() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/dt-kernel-test-" + std::to_string(::getpid()) +
          "-" + random_token(6);
  ::mkdir(path_.c_str(), 0700);
}

TempDirectory::~TempDirectory() { ::nftw(path_.c_str(), remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

void make_rootfs(const std::string& path) {
  ::mkdir(path.c_str(), 0755);
  for (const char* dir :
       {"bin", "etc", "root", "home", "home/daytona", "proc", "sys", "dev", "tmp", "usr", "usr/bin", "var"})
    ::mkdir((path + "/" + dir).c_str(), 0755);
  ::chmod((path + "/tmp").c_str(), 01777);
  ASSERT_EQ(::chown((path + "/home/daytona").c_str(), 1000, 1000), 0);
  std::string copy = "cp /bin/busybox " + path + "/bin/busybox && cp " DT_TEST_INIT " " + path +
                     "/bin/suid && chmod 4755 " + path +
                     "/bin/suid && for a in $(/bin/busybox --list); do [ $a = busybox ] || ln -sf busybox " +
                     path + "/bin/$a; done";
  ASSERT_EQ(std::system(copy.c_str()), 0) << "busybox-static is needed";
  write_text(path + "/etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\ndaytona:x:1000:1000::/home/daytona:/bin/sh\n");
  write_text(path + "/etc/group", "root:x:0:\ntty:x:5:\ndaytona:x:1000:\nextra:x:2000:daytona\n");
  write_text(path + "/etc/shadow", "root:*:::::::\n");
  ::chmod((path + "/etc/shadow").c_str(), 0600);
}

std::ostream& operator<<(std::ostream& out, const CommandResult& r) {
  return out << "exit " << r.exit << ": " << r.output;
}

CommandResult TestSandbox::run(const std::string& command) const {
  Fd fd = connect_to(socket_path);
  if (!fd) return {-1, "cannot connect"};
  if (!write_all(fd.get(), command)) return {-1, "cannot write"};
  ::shutdown(fd.get(), SHUT_WR);
  auto text = read_all(fd.get());
  if (!text) return {-1, "the connection broke"};
  size_t at = text->rfind("\nexit=");
  if (at == std::string::npos) return {-1, *text};
  return {std::atoi(text->c_str() + at + 6), text->substr(0, at)};
}

std::string TestSandbox::output(const std::string& command) const {
  return std::string(trim(run(command).output));
}
std::string TestSandbox::probe(const std::string& names) const {
  return output("/usr/local/bin/daytona probe " + names);
}

std::string EngineTest::directory() { return suite_directory->path(); }
std::string EngineTest::rootfs() { return directory() + "/rootfs"; }

void EngineTest::SetUpTestSuite() {
  suite_directory = std::make_unique<TempDirectory>();
  make_rootfs(rootfs());
}

void EngineTest::TearDownTestSuite() {
  suite_directory.reset();
  auto all = linux_::find_cgroup_hierarchies();
  ASSERT_TRUE(all);
  for (auto& h : *all) {
    std::string path = h.mount + "/" + cgroup_parent();
    EXPECT_TRUE(::rmdir(path.c_str()) == 0 || errno == ENOENT) << path << " is not empty";
  }
}

EngineConfig EngineTest::config() {
  EngineConfig config;
  config.cgroup_parent = cgroup_parent();
  config.daemon_path = DT_TEST_INIT;
  config.spawner_path = DT_TEST_SPAWNER;
  return config;
}

void EngineTest::SetUp() {
  auto engine = Engine::create(config());
  ASSERT_TRUE(engine) << engine.error().message;
  engine_ = std::move(*engine);
}

void EngineTest::TearDown() {
  if (!engine_) return;
  for (auto& id : engine_->cgroups()) EXPECT_TRUE(engine_->sweep(id));
}

TestSandbox EngineTest::prepare(const std::string& name) {
  TestSandbox s;
  std::string id = name.empty() ? "t" + std::to_string(next_++) + "-" + random_token(6) : name;
  std::string disk = directory() + "/disk-" + id;
  ::mkdir(disk.c_str(), 0700);
  ::mkdir((disk + "/upper").c_str(), 0755);
  ::mkdir((disk + "/work").c_str(), 0755);
  s.spec.id = SandboxId(id);
  s.spec.hostname = "box";
  s.spec.rootfs = rootfs();
  s.spec.upper = disk + "/upper";
  s.spec.work = disk + "/work";
  s.spec.id_range = 0x40000000u + next_range++ * 65'536u;
  s.spec.limits.memory_bytes = 256ull << 20;
  s.spec.limits.pids = 256;
  s.spec.resolv_conf = "nameserver 192.0.2.1\n";
  s.spec.address = "192.0.2.7";
  s.socket_path = disk + "/s";
  ::unlink(s.socket_path.c_str());
  s.listener = listen_on(s.socket_path);
  s.spec.listen_socket = s.listener.get();
  return s;
}

TestSandbox EngineTest::launch(const std::string& name, const std::string& user) {
  TestSandbox s = prepare(name);
  s.spec.user = user;
  return launch(std::move(s));
}

TestSandbox EngineTest::launch(TestSandbox s) {
  auto launched = engine_->launch(s.spec);
  EXPECT_TRUE(launched) << launched.error().message;
  if (launched) s.launched = std::move(*launched);
  return s;
}

Status EngineTest::stop(TestSandbox& s, int grace_ms) {
  return engine_->terminate(s.spec.id, s.launched.pidfd.get(), grace_ms);
}

EngineTest::Books EngineTest::books() const {
  Books out;
  auto mounts = read_file("/proc/self/mountinfo");
  if (mounts) out.mounts = split(*mounts, '\n').size();
  out.descriptors = count_entries("/proc/self/fd");
  out.cgroups = engine_->cgroups().size();
  return out;
}

int run_tests(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::geteuid() != 0) {
    std::fprintf(stderr, "These tests need root (namespaces, mounts, control groups).\n");
    const char* skip = std::getenv("DT_ALLOW_SKIP");
    return skip != nullptr && std::string_view(skip) == "1" ? 0 : 1;
  }
  return RUN_ALL_TESTS();
}

}  // namespace dt::runner::testing
