// Somebody swaps links and directories while an operation runs: what is outside stays as it is, and is not
// shown.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "apps/daemon/files/copy.h"
#include "apps/daemon/files/remove.h"
#include "apps/daemon/files/search.h"
#include "apps/daemon/files/staged_file.h"
#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace fs = std::filesystem;

class Races : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/races-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    fs::create_directories(dir_ + "/outside/in");
    for (int i = 0; i < 20; ++i) write("outside/in/" + std::to_string(i), "secret needle");
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return dir_ + "/" + name; }
  void write(const std::string& name, std::string_view text) const { std::ofstream(at(name)) << text; }
  std::string read(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t outside() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(at("outside/in")), {}));
  }
  std::string dir_;
};

// Exchanges a directory of the tree and a link to the outside, without end.
class Swapper {
 public:
  Swapper(const std::string& dir, const std::string& inside) {
    std::string link = dir + "/link", victim = dir + "/" + inside;
    fs::create_directory_symlink(dir + "/outside", link);
    thread_ = std::thread([this, link, victim] {
      while (!done_) ::renameat2(AT_FDCWD, link.c_str(), AT_FDCWD, victim.c_str(), RENAME_EXCHANGE);
    });
  }
  ~Swapper() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

TEST_F(Races, RecursiveDeleteStaysInside) {
  for (int round = 0; round < 40; ++round) {
    fs::create_directories(at("tree/a/in"));
    for (int i = 0; i < 5; ++i) write("tree/a/in/" + std::to_string(i), "x");
    {
      Swapper swapper(dir_, "tree/a");
      Status removed = remove_tree(at("tree"));
      EXPECT_TRUE(removed.has_value() || fs::exists(at("tree")));
    }
    ASSERT_EQ(outside(), 20u) << "round " << round;
    std::error_code ignored;
    for (const char* left : {"tree", "link"}) {
      if (fs::is_symlink(at(left), ignored)) fs::remove(at(left));
      fs::remove_all(at(left), ignored);
    }
  }
}

TEST_F(Races, FindShowsNothingFromOutside) {
  fs::create_directories(at("tree/a/in"));
  write("tree/a/in/own", "own needle");
  Swapper swapper(dir_, "tree/a");
  WorkerPool pool(2);
  for (int round = 0; round < 300; ++round) {
    Response found = find_in_files({.root = at("tree"), .pattern = "needle"}, pool);
    ASSERT_EQ(found.body.find("secret"), std::string::npos);
  }
}

TEST_F(Races, CopyTakesNothingFromOutside) {
  fs::create_directories(at("tree/a/in"));
  write("tree/a/in/own", "own");
  Swapper swapper(dir_, "tree/a");
  for (int round = 0; round < 60; ++round) {
    Status copied = copy_tree(at("tree"), at("copy"));
    std::error_code ignored;
    if (copied) {
      // The link itself, or the directory with its own file; never the content behind the link.
      ASSERT_TRUE(fs::is_symlink(at("copy/a")) || !fs::exists(at("copy/a/in/0")));
      fs::remove_all(at("copy"));
    }
    ASSERT_FALSE(fs::exists(at("copy"), ignored));
    ASSERT_EQ(outside(), 20u);
  }
}

TEST_F(Races, AFailedCopyRemovesOnlyItsOwn) {
  fs::create_directory(at("tree"));
  write("tree/f", "x");
  fs::create_directory(at("there"));
  write("there/kept", "kept");
  Status copied = copy_tree(at("tree"), at("there"));
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().sys_errno, EEXIST);
  EXPECT_EQ(read("there/kept"), "kept");
}

TEST_F(Races, UploadWhoseFileBecomesALink) {
  for (bool there : {true, false}) {
    if (there) write("f", "old");
    auto file = StagedFile::open(at("f"));
    ASSERT_TRUE(file);
    fs::remove(at("f"));
    fs::create_symlink(at("outside/in/0"), at("f"));
    ASSERT_TRUE(file->write("uploaded"));
    Status done = file->commit();
    EXPECT_EQ(read("outside/in/0"), "secret needle");
    if (done) EXPECT_FALSE(fs::is_symlink(at("f")));
    fs::remove(at("f"));
  }
}

TEST_F(Races, UploadWhoseDirectoryBecomesALink) {
  fs::create_directory(at("p"));
  auto file = StagedFile::open(at("p/0"));
  ASSERT_TRUE(file);
  fs::rename(at("p"), at("moved"));
  fs::create_directory_symlink(at("outside/in"), at("p"));
  ASSERT_TRUE(file->write("uploaded"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read("outside/in/0"), "secret needle");
  EXPECT_EQ(read("moved/0"), "uploaded");
}

TEST_F(Races, UploadsIntoADirectoryThatIsSwapped) {
  fs::create_directories(at("tree/a"));
  fs::create_directory(at("other"));
  fs::create_directory_symlink(at("other"), at("link"));
  std::atomic<bool> done{false};
  std::thread swapper([&] {
    while (!done) ::renameat2(AT_FDCWD, at("link").c_str(), AT_FDCWD, at("tree/a").c_str(), RENAME_EXCHANGE);
  });
  for (int round = 0; round < 100; ++round) {
    auto file = StagedFile::open(at("tree/a/f"));
    if (!file) continue;
    std::ignore = file->write(std::string(1000, 'x'));
    std::ignore = file->commit();
  }
  done = true;
  swapper.join();
  for (const auto& entry : fs::recursive_directory_iterator(dir_))
    EXPECT_EQ(entry.path().filename().string().find(".dtn-"), std::string::npos) << entry.path();
  for (const char* place : {"tree/a/f", "other/f", "link/f"})
    if (fs::exists(at(place))) EXPECT_EQ(fs::file_size(at(place)), 1000u);
}

TEST_F(Races, TreesOfAnyDepthAreRemoved) {
  fs::create_directory(at("deep"));
  Fd level(::open(at("deep").c_str(), O_PATH | O_DIRECTORY));
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(::mkdirat(level.get(), "down", 0700), 0);
    level = Fd(::openat(level.get(), "down", O_PATH | O_DIRECTORY));
  }
  Fd file(::openat(level.get(), "file", O_WRONLY | O_CREAT, 0600));
  Status removed = remove_tree(at("deep"));
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(fs::exists(at("deep")));
}

}  // namespace
}  // namespace dt::daemon
