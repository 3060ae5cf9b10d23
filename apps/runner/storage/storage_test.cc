// With the kernel: loop devices, btrfs, ext4 with project quota. Root only; every test unmounts and removes
// what it made.
#include "apps/runner/storage/storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "apps/runner/storage/process.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kMiB = 1 << 20;

class StorageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    fs::create_directories(dir_);
  }
  void TearDown() override {
    if (storage_) EXPECT_TRUE(storage_->unmount());
    storage_.reset();
    umount2((dir_ + "/mnt").c_str(), 0);
    if (mounted_) umount2(dir_.c_str(), 0);
    fs::remove_all(dir_);
    fs::remove(dir_ + ".img");
  }
  Storage& open(uint64_t bytes = 1024 * kMiB) {
    auto opened = Storage::open({dir_, bytes});
    EXPECT_TRUE(opened) << opened.error().message;
    storage_ = std::move(*opened);
    return *storage_;
  }
  void mount_image(const char* mkfs, const char* type, const char* options) {
    std::string image = dir_ + ".img";
    std::ofstream(image).close();
    fs::resize_file(image, 512 * kMiB);
    std::vector<std::string> command{mkfs, "-q"};
    if (std::string(type) == "ext4") command.insert(command.end(), {"-O", "quota,project"});
    command.push_back(image);
    auto made = run_program(command);
    ASSERT_TRUE(made) << made.error().message;
    auto mounted = run_program({"mount", "-t", type, "-o", options, image, dir_});
    if (!mounted) GTEST_SKIP() << mounted.error().message;
    mounted_ = true;
  }

  std::string dir_ = "/tmp/dt-storage-test-" + random_token(8);
  std::unique_ptr<Storage> storage_;
  bool mounted_ = false;
};

// Bytes written before the first error, and that error.
std::pair<uint64_t, int> fill(const std::string& path, uint64_t up_to) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  std::string block(kMiB, 'x');
  uint64_t written = 0;
  while (written < up_to) {
    ssize_t n = ::write(fd.get(), block.data(), block.size());
    if (n < 0) return {written, errno};
    written += static_cast<uint64_t>(n);
  }
  return {written, fsync(fd.get()) < 0 ? errno : 0};
}

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string get(const std::string& path) { return read_file(path).value_or("absent"); }

mode_t mode_of(const std::string& path) {
  struct stat st{};
  return lstat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

TEST_F(StorageTest, LoopPoolIsMountedSafelyAndAdoptedAfterARestart) {
  Storage& first = open();
  EXPECT_EQ(first.backend(), Storage::Backend::loop_btrfs) << first.describe();
  EXPECT_TRUE(first.enforces_limits());
  struct statvfs info{};
  ASSERT_EQ(statvfs((dir_ + "/mnt").c_str(), &info), 0);
  EXPECT_EQ(info.f_flag & (ST_NOSUID | ST_NODEV), static_cast<unsigned long>(ST_NOSUID | ST_NODEV));
  EXPECT_EQ(mode_of(dir_ + "/mnt"), 0700u);
  ASSERT_TRUE(first.create_disk(SandboxId("a"), kMiB * 50));
  put(first.find_disk(SandboxId("a"))->upper() + "/f", "kept");
  put(first.staging_directory() + "/half-made", "x");
  storage_.reset();  // like the end of the runner: the mount stays

  Storage& second = open();
  EXPECT_EQ(get(second.find_disk(SandboxId("a"))->upper() + "/f"), "kept");
  EXPECT_TRUE(fs::is_empty(second.staging_directory()));
  ASSERT_TRUE(second.unmount());
  storage_.reset();  // like a reboot

  Storage& third = open();
  EXPECT_EQ(third.list_disks(), std::vector{SandboxId("a")});
  EXPECT_EQ(get(third.find_disk(SandboxId("a"))->upper() + "/f"), "kept");
  auto usage = third.usage(SandboxId("a"));
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_EQ(usage->limit_bytes, 50 * kMiB);
}

TEST_F(StorageTest, DiskHasTheRightShapeAndCreateIsIdempotent) {
  Storage& storage = open();
  umask(077);
  auto disk = storage.create_disk(SandboxId("s1"), 50 * kMiB);
  ASSERT_TRUE(disk) << disk.error().message;
  struct stat upper{};
  ASSERT_EQ(stat(disk->upper().c_str(), &upper), 0);
  EXPECT_EQ(upper.st_mode & 07777, 0755u);
  EXPECT_EQ(upper.st_uid, 0u);
  EXPECT_EQ(upper.st_gid, 0u);
  EXPECT_EQ(mode_of(disk->work()), 0700u);
  EXPECT_EQ(mode_of(disk->path), 0700u);
  put(disk->upper() + "/f", "kept");
  auto again = storage.create_disk(SandboxId("s1"), 60 * kMiB);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->path, disk->path);
  EXPECT_EQ(get(disk->upper() + "/f"), "kept");
  EXPECT_EQ(storage.usage(SandboxId("s1"))->limit_bytes, 60 * kMiB);
  for (const char* bad : {"", "..", "a/b", ".hidden"})
    EXPECT_FALSE(storage.create_disk(SandboxId(bad), 0)) << bad;
  EXPECT_EQ(storage.find_disk(SandboxId("other")).error().code, Code::not_found);
  EXPECT_TRUE(storage.remove_disk(SandboxId("other")));
}

void expect_limit_holds(Storage& storage) {
  SandboxId id("limited");
  auto disk = storage.create_disk(id, 50 * kMiB);
  ASSERT_TRUE(disk) << disk.error().message;
  auto [written, error] = fill(disk->upper() + "/big", 120 * kMiB);
  EXPECT_EQ(error, EDQUOT);
  EXPECT_GE(written, 45 * kMiB);
  EXPECT_LE(written, 50 * kMiB);
  EXPECT_EQ(errno_error("write", error).code, Code::insufficient_storage);
  sync();
  auto usage = storage.usage(id);
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_GE(usage->used_bytes, 40 * kMiB);
  EXPECT_LE(usage->used_bytes, 51 * kMiB);
  EXPECT_EQ(usage->limit_bytes, 50 * kMiB);
  // A full disk can be emptied from inside, and grown from outside.
  EXPECT_EQ(unlink((disk->upper() + "/big").c_str()), 0) << strerror(errno);
  sync();
  ASSERT_TRUE(storage.set_limit(id, 90 * kMiB));
  EXPECT_GE(fill(disk->upper() + "/more", 120 * kMiB).first, 80 * kMiB);
  ASSERT_TRUE(storage.set_limit(id, 0));
  EXPECT_EQ(storage.usage(id)->limit_bytes, 0u);
}

TEST_F(StorageTest, LoopPoolEnforcesTheLimit) { expect_limit_holds(open()); }

TEST_F(StorageTest, NativeBtrfsEnforcesTheLimit) {
  mount_image("mkfs.btrfs", "btrfs", "loop");
  if (IsSkipped() || HasFatalFailure()) return;
  Storage& storage = open();
  EXPECT_EQ(storage.backend(), Storage::Backend::btrfs) << storage.describe();
  expect_limit_holds(storage);
}

TEST_F(StorageTest, ProjectQuotaEnforcesTheLimitAndSurvivesARestart) {
  mount_image("mkfs.ext4", "ext4", "loop,prjquota");
  if (IsSkipped() || HasFatalFailure()) return;
  Storage& storage = open();
  EXPECT_EQ(storage.backend(), Storage::Backend::project_quota) << storage.describe();
  expect_limit_holds(storage);
  storage_.reset();
  Storage& again = open();
  auto disk = again.create_disk(SandboxId("second"), 20 * kMiB);  // must not share a project with the first
  ASSERT_TRUE(disk);
  EXPECT_EQ(fill(disk->upper() + "/big", 60 * kMiB).second, EDQUOT);
  EXPECT_EQ(again.usage(SandboxId("limited"))->limit_bytes, 0u);
  ASSERT_TRUE(again.clone_disk(SandboxId("second"), SandboxId("third"), 30 * kMiB));
  EXPECT_EQ(again.usage(SandboxId("third"))->limit_bytes, 30 * kMiB);
  ASSERT_TRUE(again.remove_disk(SandboxId("second")));
}

TEST_F(StorageTest, CloneIsACopyThatDiverges) {
  Storage& storage = open();
  auto from = storage.create_disk(SandboxId("from"), 100 * kMiB);
  ASSERT_TRUE(from);
  put(from->upper() + "/f", "original");
  put(from->work() + "/leftover", "x");
  auto to = storage.clone_disk(SandboxId("from"), SandboxId("to"), 50 * kMiB);
  ASSERT_TRUE(to) << to.error().message;
  put(from->upper() + "/f", "changed");
  EXPECT_EQ(get(to->upper() + "/f"), "original");
  EXPECT_TRUE(fs::is_empty(to->work()));
  EXPECT_EQ(storage.usage(SandboxId("to"))->limit_bytes, 50 * kMiB);
  EXPECT_EQ(storage.clone_disk(SandboxId("none"), SandboxId("x"), 0).error().code, Code::not_found);
}

TEST_F(StorageTest, UnmountWaitsForThoseWhoAreLettingGo) {
  Storage& storage = open();
  Fd held(::open((dir_ + "/mnt").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(held);
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    held.reset();
  });
  EXPECT_TRUE(storage.unmount());
  late.join();
  storage_.reset();
}

TEST_F(StorageTest, RemoveEmptiesInTheBackgroundAndAfterACrash) {
  Storage& storage = open();
  auto disk = storage.create_disk(SandboxId("gone"), 50 * kMiB);
  ASSERT_TRUE(disk);
  put(disk->upper() + "/f", "x");
  ASSERT_TRUE(storage.remove_disk(SandboxId("gone")));
  EXPECT_TRUE(storage.list_disks().empty());
  ASSERT_TRUE(storage.remove_disk(SandboxId("gone")));
  fs::create_directories(dir_ + "/mnt/trash/left.by.a.crash/deep/er");
  ASSERT_TRUE(storage.unmount());
  storage_.reset();
  Storage& again = open();
  ASSERT_TRUE(again.unmount());
  storage_.reset();
  open();
  EXPECT_TRUE(fs::is_empty(dir_ + "/mnt/trash"));
}

TEST_F(StorageTest, ConcurrentCreateAndRemove) {
  Storage& storage = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&storage, t] {
      for (int i = 0; i < 25; ++i) {
        SandboxId id("t" + std::to_string(t) + "-" + std::to_string(i));
        EXPECT_TRUE(storage.create_disk(id, 10 * kMiB));
        EXPECT_TRUE(storage.create_disk(SandboxId("same-" + std::to_string(i)), 10 * kMiB));
        if (i % 2) EXPECT_TRUE(storage.remove_disk(id));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(storage.list_disks().size(), 4 * 13 + 25u);
}

// What a runner does all day, until it is killed.
[[noreturn]] void work_until_killed(const std::string& directory, unsigned seed) {
  auto storage = Storage::open({directory, 1024 * kMiB});
  for (unsigned i = seed; storage; ++i) {
    SandboxId id("s" + std::to_string(i % 7)), copy("c" + std::to_string(i % 5));
    (void)(*storage)->create_disk(id, 20 * kMiB);
    if (i % 3 == 0) (void)(*storage)->clone_disk(id, copy, 10 * kMiB);
    if (i % 2 == 0) (void)(*storage)->remove_disk(SandboxId("s" + std::to_string((i + 3) % 7)));
    if (i % 5 == 0) (void)(*storage)->remove_disk(copy);
  }
  _exit(1);
}

TEST_F(StorageTest, AKillAtAnyMomentLeavesWholeDisks) {
  open();
  storage_.reset();
  for (unsigned round = 0; round < 12; ++round) {
    pid_t child = fork();
    if (child == 0) work_until_killed(dir_, round);
    usleep(5'000 + static_cast<useconds_t>(random_u64() % 60'000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the worker failed";
    Storage& storage = open();
    EXPECT_TRUE(fs::is_empty(storage.staging_directory()));
    for (const auto& id : storage.list_disks()) {
      auto disk = storage.find_disk(id);
      EXPECT_EQ(mode_of(disk->upper()), 0755u) << id.str();
      EXPECT_EQ(mode_of(disk->work()), 0700u) << id.str();
      auto usage = storage.usage(id);
      ASSERT_TRUE(usage) << usage.error().message;
      EXPECT_EQ(usage->limit_bytes, id.str()[0] == 's' ? 20 * kMiB : 10 * kMiB);
    }
    storage_.reset();
  }
  Storage& storage = open();
  for (const auto& id : storage.list_disks()) EXPECT_TRUE(storage.remove_disk(id));
  ASSERT_TRUE(storage.unmount());
  storage_.reset();
  open();
  EXPECT_TRUE(fs::is_empty(dir_ + "/mnt/trash"));
}

}  // namespace
}  // namespace dt::runner
