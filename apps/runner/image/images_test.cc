// Root only. The registry test runs a registry of its own on a free port of loopback when one is installed.
#include "apps/runner/image/images.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/runner/storage/process.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/oci/test_image.h"

namespace dt::runner {
namespace {

namespace fs = std::filesystem;
using oci::testing::LayoutBuilder;
using oci::testing::Tar;

bool installed(const std::string& program) { return access(("/usr/bin/" + program).c_str(), X_OK) == 0; }

class ImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    for (const char* name : {"/images", "/staging"}) fs::create_directories(dir_ + name);
    open();
    LayoutBuilder builder(layout());
    builder.layer(
        Tar(Tar::Filter::gzip).dir("etc").file("etc/hostname", "one", 0644, 3, 4).dir("gone").finish(),
        "+gzip");
    builder.layer(Tar().file("hello", "two").file(".wh.gone", "").finish());
    builder.finish(
        "a/b:1",
        R"({"User":"daytona","WorkingDir":"/home/daytona","Env":["PATH=/bin","X=1"],"Cmd":["sleep","infinity"]})");
  }
  void TearDown() override { fs::remove_all(dir_); }
  void open() { images_ = std::make_unique<Images>(dir_ + "/images", dir_ + "/staging"); }
  std::string layout() const { return dir_ + "/layout"; }
  Image import(const std::string& source, const std::string& ref) {
    auto image = images_->import(source, ref);
    EXPECT_TRUE(image) << image.error().message;
    EXPECT_TRUE(fs::is_empty(dir_ + "/staging"));
    return image.value_or(Image{});
  }
  void expect_content(const Image& image) {
    EXPECT_EQ(read_file(image.rootfs + "/hello").value_or(""), "two");
    EXPECT_FALSE(fs::exists(image.rootfs + "/gone"));
    struct stat st{};
    ASSERT_EQ(stat((image.rootfs + "/etc/hostname").c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, 3u);
    EXPECT_EQ(image.user, "daytona");
    EXPECT_EQ(image.working_dir, "/home/daytona");
    EXPECT_EQ(image.env.at("X"), "1");
    EXPECT_EQ(image.cmd, (std::vector<std::string>{"sleep", "infinity"}));
    EXPECT_EQ(image.bytes, 6u);
  }

  std::string dir_ = "/tmp/dt-images-test-" + random_token(8);
  std::unique_ptr<Images> images_;
};

TEST_F(ImagesTest, ImportsALayoutAndKnowsItAfterARestart) {
  auto image = import("oci:" + layout() + ":a/b:1", "a/b:1");
  EXPECT_EQ(image.ref, "a/b:1");
  EXPECT_TRUE(image.digest.starts_with("sha256:"));
  expect_content(image);
  open();
  auto found = images_->find("a/b:1");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->digest, image.digest);
  expect_content(*found);
  EXPECT_EQ(images_->list().size(), 1u);
  EXPECT_EQ(images_->find("a/b:2").error().code, Code::not_found);
}

TEST_F(ImagesTest, NamesShareFilesUntilTheLastIsSwept) {
  auto image = import("oci:" + layout(), "one");
  auto again = import("oci:" + layout(), "two");
  EXPECT_EQ(again.rootfs, image.rootfs);
  ASSERT_TRUE(images_->remove("one"));
  ASSERT_TRUE(images_->remove("one")) << "idempotent";
  ASSERT_TRUE(images_->sweep({}));
  EXPECT_TRUE(images_->find("two"));
  ASSERT_TRUE(images_->remove("two"));
  ASSERT_TRUE(images_->sweep({image.digest}));
  EXPECT_TRUE(fs::exists(image.rootfs)) << "a sandbox uses it";
  open();
  ASSERT_TRUE(images_->sweep({}));
  EXPECT_FALSE(fs::exists(image.rootfs));
  expect_content(import("oci:" + layout(), "one"));
}

TEST_F(ImagesTest, TakesArchives) {
  std::string archive = dir_ + "/image.tar";
  ASSERT_TRUE(run_program({"tar", "-C", layout(), "-cf", archive, "."}));
  expect_content(import("oci-archive:" + archive, "x"));
  ASSERT_TRUE(run_program({"tar", "-C", dir_, "-cf", archive, "layout"}));
  EXPECT_FALSE(images_->import("oci-archive:" + archive, "y")) << "no layout at the top";
}

TEST_F(ImagesTest, AFailedImportLeavesNothing) {
  EXPECT_FALSE(images_->import("oci:" + dir_ + "/none", "x"));
  EXPECT_FALSE(images_->import("ftp://x", "x"));
  EXPECT_FALSE(images_->import("oci:" + layout(), "bad name"));
  EXPECT_FALSE(images_->import("oci:" + layout() + ":other", "x"));
  EXPECT_FALSE(images_->import("docker://--help", "x"));
  LayoutBuilder bad(dir_ + "/bad");
  bad.layer(Tar().file("ok", "x").file("../out", "x").finish());
  bad.finish("");
  auto refused = images_->import("oci:" + dir_ + "/bad", "x");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("layer 1 of 1"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(fs::is_empty(dir_ + "/staging"));
  EXPECT_TRUE(fs::is_empty(dir_ + "/images"));
}

uint16_t free_port() {
  Fd fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

struct Registry {
  pid_t pid = 0;
  uint16_t port = free_port();
  explicit Registry(const std::string& dir) {
    std::ofstream(dir + "/registry.yml")
        << "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: " << dir
        << "/registry}}\nhttp: {addr: 127.0.0.1:" << port << "}\n";
    std::string config = dir + "/registry.yml";
    char* argv[] = {const_cast<char*>("docker-registry"), const_cast<char*>("serve"), config.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd : {1, 2}) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(posix_spawnp(&pid, argv[0], &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Registry() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  bool wait() const {
    for (int i = 0; i < 200; ++i, usleep(25'000)) {
      Fd fd(socket(AF_INET, SOCK_STREAM, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(port);
      if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
    }
    return false;
  }
};

TEST_F(ImagesTest, FetchesFromARegistry) {
  if (!installed("docker-registry") || !installed("skopeo"))
    GTEST_SKIP() << "docker-registry or skopeo is not installed";
  Registry registry(dir_);
  ASSERT_TRUE(registry.wait());
  std::string name = "127.0.0.1:" + std::to_string(registry.port) + "/team/app:v1";
  // As Docker's own format, which is what most registries hold.
  auto pushed = run_program({"skopeo", "--insecure-policy", "copy", "--format", "v2s2",
                             "--dest-tls-verify=false", "oci:" + layout() + ":a/b:1", "docker://" + name});
  ASSERT_TRUE(pushed) << pushed.error().message;
  expect_content(import("docker://" + name, "team/app:v1"));
  auto absent = images_->import("docker://127.0.0.1:" + std::to_string(registry.port) + "/team/none:v1", "x");
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message.find("fetch docker://"), std::string::npos) << absent.error().message;
}

}  // namespace
}  // namespace dt::runner
