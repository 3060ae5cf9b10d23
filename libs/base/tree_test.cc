#include "libs/base/tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libs/base/random.h"

namespace dt {
namespace {

namespace fs = std::filesystem;
void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string get(const std::string& path) { return read_file(path).value_or("absent"); }

TEST(Tree, RemovesDeepAndHostileTreesWithoutFollowingLinks) {
  std::string dir = "/tmp/dt-tree-test-" + random_token(8);
  fs::create_directories(dir + "/outside");
  put(dir + "/outside/precious", "kept");
  fs::create_directories(dir + "/tree");
  Fd at(::open((dir + "/tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 3000; ++depth) {
    mkdirat(at.get(), "d", 0755);
    ASSERT_EQ(symlinkat((dir + "/outside").c_str(), at.get(), "link"), 0);
    at.reset(openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  Fd parent(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto removed = remove_tree(parent.get(), "tree");
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(fs::exists(dir + "/tree"));
  EXPECT_EQ(get(dir + "/outside/precious"), "kept");
  EXPECT_TRUE(remove_tree(parent.get(), "absent"));
  fs::remove_all(dir);
}

}  // namespace
}  // namespace dt
