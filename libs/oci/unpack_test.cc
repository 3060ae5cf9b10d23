// Root only (owners). One test compares with umoci when it is installed.
#include "libs/oci/unpack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libs/base/random.h"
#include "libs/oci/test_image.h"

namespace dt::oci {
namespace {

namespace fs = std::filesystem;
using testing::LayoutBuilder;
using testing::Tar;

class UnpackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    fs::create_directories(root());
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string root() const { return dir_ + "/root"; }
  std::string path(const std::string& name) const { return root() + "/" + name; }

  Status apply(const std::string& bytes, UnpackLimits limits = {}) {
    std::string blob = dir_ + "/blob";
    std::ofstream(blob, std::ios::binary) << bytes;
    Fd fd(::open(blob.c_str(), O_RDONLY | O_CLOEXEC));
    return unpack_layer(root(), fd.get(), Digest::of(bytes), limits, stats_);
  }
  std::string content(const std::string& name) { return read_file(path(name)).value_or("absent"); }
  struct stat info(const std::string& name) {
    struct stat st{};
    EXPECT_EQ(lstat(path(name).c_str(), &st), 0) << name;
    return st;
  }
  bool exists(const std::string& name) {
    struct stat st{};
    return lstat(path(name).c_str(), &st) == 0;
  }

  std::string dir_ = "/tmp/dt-unpack-test-" + random_token(8);
  UnpackStats stats_;
};

#define EXPECT_OK(expr)                              \
  do {                                               \
    auto result_ = (expr);                           \
    EXPECT_TRUE(result_) << result_.error().message; \
  } while (0)

TEST_F(UnpackTest, KeepsOwnersModesTimesLinksAndAttributes) {
  std::string holes = "start" + std::string(3 << 20, '\0') + "end";
  Tar tar;
  tar.dir("./", 0755).dir("bin").dir("home/u", 0700, 1000, 1000).file("bin/su", "x", 04755);
  tar.file("home/u/f", "data", 0640, 1000, 1001)
      .hardlink("home/u/hard", "home/u/f")
      .symlink("link", "bin/su");
  tar.symlink("dangling", "/nowhere").file("sp", holes).file("sgid", "", 02755, 0, 42);
  tar.add({.path = "caps", .data = "x", .xattrs = {{"user.note", "v"}, {"trusted.overlay.opaque", "y"}}});
  tar.add({.path = "fifo", .mode = 0622, .type = AE_IFIFO}).add({.path = "dev/null", .type = AE_IFCHR});
  tar.file("big-id", "", 0644, 4'000'000, 70'000).file("näme ünï", "utf8");
  EXPECT_OK(apply(tar.finish()));
  EXPECT_EQ(info("bin/su").st_mode & 07777, 04755u);
  EXPECT_EQ(info("sgid").st_mode & 07777, 02755u);
  EXPECT_EQ(info("home/u").st_mode & 07777, 0700u);
  EXPECT_EQ(info("home/u/f").st_uid, 1000u);
  EXPECT_EQ(info("home/u/f").st_gid, 1001u);
  EXPECT_EQ(info("home/u/f").st_ino, info("home/u/hard").st_ino);
  EXPECT_EQ(info("home/u/f").st_mtime, 1'600'000'000);
  EXPECT_EQ(info("home/u").st_mtime, 1'600'000'000) << "not touched by what was put in";
  EXPECT_EQ(fs::read_symlink(path("link")), "bin/su");
  EXPECT_EQ(content("sp"), holes);
  EXPECT_EQ(content("näme ünï"), "utf8");
  char value[8] = {};
  EXPECT_EQ(getxattr(path("caps").c_str(), "user.note", value, sizeof value), 1);
  EXPECT_LT(getxattr(path("caps").c_str(), "trusted.overlay.opaque", value, sizeof value), 0);
  EXPECT_TRUE(S_ISFIFO(info("fifo").st_mode));
  EXPECT_FALSE(exists("dev/null"));
  EXPECT_EQ(stats_.devices_skipped, 1u);
  EXPECT_EQ(info("big-id").st_uid, 65534u);
  EXPECT_EQ(stats_.owners_changed, 2u);
}

TEST_F(UnpackTest, WhiteoutsHideLowerLayersOnly) {
  EXPECT_OK(apply(Tar()
                      .dir("d", 0755)
                      .file("d/old", "1")
                      .dir("d/sub")
                      .file("d/sub/x", "1")
                      .file("gone", "1")
                      .file("kept", "1")
                      .finish()));
  Tar second;
  second.file("d/new", "2")
      .dir("d/sub")
      .file("d/sub/y", "2")
      .file("d/.wh..wh..opq", "")
      .file(".wh.gone", "")
      .file(".wh.never", "");
  second.file("fresh", "2").file(".wh.fresh", "").file(".wh..wh.plnk", "").file("a/.wh.b", "");
  EXPECT_OK(apply(second.finish()));
  EXPECT_FALSE(exists("d/old"));
  EXPECT_EQ(content("d/new"), "2");
  EXPECT_FALSE(exists("d/sub/x"));
  EXPECT_EQ(content("d/sub/y"), "2");
  EXPECT_FALSE(exists("gone"));
  EXPECT_EQ(content("kept"), "1");
  EXPECT_EQ(content("fresh"), "2");
  EXPECT_FALSE(exists(".wh..wh.plnk"));
  EXPECT_FALSE(apply(Tar().file(".wh...", "").finish()));
}

TEST_F(UnpackTest, TypesReplaceEachOther) {
  EXPECT_OK(apply(Tar()
                      .dir("a")
                      .file("a/f", "1")
                      .file("b", "1")
                      .symlink("c", "a")
                      .dir("d", 0700)
                      .file("d/f", "1")
                      .finish()));
  EXPECT_OK(apply(Tar().file("a", "2").dir("b").file("b/f", "2").file("c", "2").dir("d", 0755).finish()));
  EXPECT_EQ(content("a"), "2");
  EXPECT_EQ(content("b/f"), "2");
  EXPECT_EQ(content("c"), "2");
  EXPECT_EQ(content("d/f"), "1") << "a directory over a directory keeps its content";
  EXPECT_EQ(info("d").st_mode & 07777, 0755u);
}

TEST_F(UnpackTest, NothingLeadsOutside) {
  std::string outside = dir_ + "/outside";
  fs::create_directories(outside);
  std::ofstream(outside + "/precious") << "kept";
  EXPECT_FALSE(apply(Tar().file("../escaped", "x").finish()));
  EXPECT_FALSE(apply(Tar().file("a/../../escaped", "x").finish()));
  EXPECT_FALSE(fs::exists(dir_ + "/escaped"));
  // Links are followed as if the tree were the root: absolute and climbing ones stay inside.
  EXPECT_OK(apply(Tar()
                      .dir("usr/lib")
                      .symlink("lib", "usr/lib")
                      .symlink("abs", "/usr/lib")
                      .symlink("up", "../../../usr/lib")
                      .finish()));
  EXPECT_OK(apply(Tar().file("lib/1", "1").file("abs/2", "2").file("up/3", "3").finish()));
  for (const char* name : {"1", "2", "3"}) EXPECT_EQ(content(std::string("usr/lib/") + name), name);
  EXPECT_FALSE(apply(Tar().symlink("out", outside).file("out/precious", "changed").finish()));
  EXPECT_FALSE(apply(Tar()
                         .symlink("esc", "../outside")
                         .file("esc/.wh.precious", "")
                         .hardlink("h", "../outside/precious")
                         .finish()));
  EXPECT_FALSE(apply(Tar().hardlink("h", outside + "/precious").finish()));
  EXPECT_FALSE(apply(Tar().symlink("self", "/proc/self/root").file("self" + outside + "/x", "x").finish()) &&
               fs::exists(outside + "/x"));
  // A file over a link replaces the link.
  EXPECT_OK(apply(Tar().symlink("l", outside + "/precious").file("l", "inside").finish()));
  EXPECT_EQ(content("l"), "inside");
  EXPECT_EQ(read_file(outside + "/precious").value_or(""), "kept");
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
}

TEST_F(UnpackTest, ReadsCompressedLayersAndRefusesDamagedOnes) {
  std::string data = random_bytes(100'000);
  for (auto filter : {Tar::Filter::gzip, Tar::Filter::zstd}) {
    std::string good = Tar(filter).file("f", data).finish();
    EXPECT_OK(apply(good));
    EXPECT_EQ(content("f"), data);
    EXPECT_FALSE(apply(good.substr(0, good.size() / 2)));
  }
  EXPECT_OK(apply(Tar(Tar::Filter::gzip).file("f", data).finish() + std::string(3000, '\0')));
  std::string plain = Tar().file("f", "x").finish();
  std::ofstream(dir_ + "/blob", std::ios::binary) << plain;
  Fd fd(::open((dir_ + "/blob").c_str(), O_RDONLY | O_CLOEXEC));
  auto wrong = unpack_layer(root(), fd.get(), Digest::of("other"), {}, stats_);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("digest"), std::string::npos);
}

TEST_F(UnpackTest, LimitsAreEnforced) {
  UnpackLimits small;
  small.bytes = 1000;
  auto big = apply(Tar().file("f", std::string(2000, 'x')).finish(), small);
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, Code::payload_too_large);
  EXPECT_NE(big.error().message.find("entry f"), std::string::npos) << big.error().message;
  UnpackLimits few;
  few.entries = stats_.entries + 1;
  EXPECT_EQ(apply(Tar().file("f", "").file("g", "").finish(), few).error().code, Code::payload_too_large);
}

// path, type and mode, owner, links, size, target and content of everything: one line each.
std::string listing(const std::string& root) {
  std::string command =
      "cd '" + root +
      "' && (find . \\( -type b -o -type c \\) -prune -o -printf '%p %y %m %U %G %n %l\\n'; "
      "find . -type f -printf '%p %s\\n'; find . -type f -print0 | xargs -0r sha256sum) | sort > '" +
      root + ".list'";
  EXPECT_EQ(system(command.c_str()), 0);
  return read_file(root + ".list").value_or("");
}

TEST_F(UnpackTest, GivesTheSameTreeAsUmoci) {
  if (system("command -v umoci >/dev/null") != 0) GTEST_SKIP() << "umoci is not installed";
  std::string layout_dir = dir_ + "/layout";
  LayoutBuilder builder(layout_dir);
  Tar one, two, three;
  one.dir("./")
      .dir("etc")
      .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
      .dir("usr/bin")
      .file("usr/bin/sudo", "elf", 04755);
  one.symlink("bin", "usr/bin")
      .dir("var/lib", 0755, 5, 6)
      .file("var/lib/a", "a")
      .file("var/lib/b", "b", 0600, 7, 8);
  one.hardlink("var/lib/a2", "var/lib/a").dir("opt/deep/er").file("opt/deep/er/x", "x").dir("tmp", 01777);
  two.file("bin/tool", "through a link", 0755)
      .file("var/lib/.wh.b", "")
      .dir("opt/deep")
      .file("opt/deep/.wh..wh..opq", "")
      .file("opt/deep/new", "n");
  two.file("etc/.wh.absent", "").hardlink("var/lib/a3", "var/lib/a2").symlink("abs", "/etc/passwd");
  three.file("var/lib/a", "replaced").file(".wh.opt", "").dir("opt", 0711).file("etc", "now a file");
  builder.layer(one.finish()).layer(two.finish()).layer(three.finish());
  builder.finish("t");
  std::string command = "umoci unpack --image " + layout_dir + ":t " + dir_ + "/bundle >/dev/null";
  ASSERT_EQ(system(command.c_str()), 0);
  auto layout = Layout::open(layout_dir);
  ASSERT_TRUE(layout) << layout.error().message;
  auto image = layout->resolve("t");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_OK(unpack_image(*layout, *image, root()));
  EXPECT_EQ(listing(root()), listing(dir_ + "/bundle/rootfs"));
}

TEST_F(UnpackTest, LayoutsAreChosenAndVerified) {
  std::string layout_dir = dir_ + "/layout";
  LayoutBuilder builder(layout_dir);
  builder.layer(Tar(Tar::Filter::gzip).file("f", "x").finish(), "+gzip");
  std::string amd = builder.manifest(R"({"User":"daytona"})", "amd64",
                                     R"(,"platform":{"os":"linux","architecture":"amd64"})");
  std::string arm = builder.manifest("{}", "arm64", R"(,"platform":{"os":"linux","architecture":"arm64"})");
  std::string nested = builder.blob(R"({"schemaVersion":2,"manifests":[)" + arm + "," + amd + "]}",
                                    "application/vnd.oci.image.index.v1+json",
                                    R"(,"annotations":{"org.opencontainers.image.ref.name":"a/b:1"})");
  builder.index(nested);
  auto layout = Layout::open(layout_dir);
  ASSERT_TRUE(layout);
  auto image = layout->resolve("a/b:1");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->config.user, "daytona");
  EXPECT_TRUE(layout->resolve(""));
  EXPECT_EQ(layout->resolve("other").error().code, Code::not_found);
  EXPECT_FALSE(Layout::open(dir_ + "/none"));
  builder.index(arm);
  EXPECT_EQ(layout->resolve("").error().code, Code::unprocessable);
  // A blob whose bytes were changed, with the size kept.
  std::string blob = layout_dir + "/blobs/sha256/" + image->manifest.config.digest.hex();
  std::string bytes = read_file(blob).value();
  bytes[bytes.find("daytona")] = 'X';
  std::ofstream(blob, std::ios::binary) << bytes;
  builder.index(amd);
  auto damaged = layout->resolve("");
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace dt::oci
