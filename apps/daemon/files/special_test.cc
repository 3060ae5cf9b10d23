// What is there when files are not plain: special ones, links, missing permissions, no space.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

class Special : public DaemonTest {
 protected:
  Reply upload(const std::string& path, std::string text) {
    return call("POST", "/files/upload-v2?path=" + percent_encode(path), std::move(text));
  }
  Reply replace(const std::string& path, std::string_view from, std::string_view to) {
    return post("/files/replace",
                bj::serialize(bj::object{{"files", bj::array{path}}, {"pattern", from}, {"newValue", to}}));
  }
  void open_to_all() {
    fs::permissions(dir_, fs::perms::all);
    fs::permissions(socket_, fs::perms::all);
  }
  size_t entries(const std::string& path) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path), {}));
  }
};

// A small file system of its own, for full disks.
class SmallDisk {
 public:
  SmallDisk(std::string path, const char* options) : path_(std::move(path)) {
    fs::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

// The daemon as somebody who is not root, for all threads.
class AsNobody {
 public:
  AsNobody() : done_(::geteuid() == 0 && ::setegid(65534) == 0 && ::seteuid(65534) == 0) {}
  ~AsNobody() { std::ignore = ::seteuid(0) == 0 && ::setegid(0) == 0; }
  explicit operator bool() const { return done_; }

 private:
  bool done_;
};

TEST_F(Special, NothingOpensAPipe) {
  ::mkfifo("fifo", 0666);
  pid_t writer = ::fork();
  if (writer == 0) {
    int fd = ::open("fifo", O_WRONLY);  // waits for a reader
    ::_exit(::write(fd, "for the reader", 14) == 14 ? 0 : 1);
  }
  EXPECT_EQ(get("/files/download?path=fifo").status, 400);
  EXPECT_NE(post("/files/bulk-download", R"({"paths":["fifo"]})").body.find("INVALID_FILE_PATH"),
            std::string::npos);
  EXPECT_EQ(upload("fifo", "x").status, 400);
  EXPECT_EQ(json(replace("fifo", "a", "b")).at(0).at("success"), false);
  EXPECT_EQ(get("/files/find?path=.&pattern=reader").body, "[]");
  EXPECT_EQ(get("/files/find?path=fifo&pattern=reader").body, "[]");
  EXPECT_EQ(json(get("/files")).at(0).at("mode").as_string()[0], 'p');
  EXPECT_EQ(json(get("/files/info?path=fifo")).at("isDir"), false);
  EXPECT_EQ(post("/files/permissions?path=fifo&mode=640").status, 200);
  EXPECT_EQ(post("/files/move?source=fifo&destination=pipe").status, 200);
  EXPECT_EQ(content(at("pipe")), "for the reader") << "the writer must not have noticed anything";
  int status = 0;
  ::waitpid(writer, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(call("DELETE", "/files?path=pipe").status, 204);
}

TEST_F(Special, SocketsAndDevices) {
  ::mknod("socket", S_IFSOCK | 0600, 0);
  for (std::string path : {"socket", "/dev/null", "/dev/full", "/dev/tty"}) {
    EXPECT_EQ(get("/files/download?path=" + path).status, 400) << path;
    EXPECT_EQ(json(replace(path, "a", "b")).at(0).at("success"), false) << path;
  }
  EXPECT_EQ(upload("socket", "x").status, 400);
  EXPECT_EQ(json(get("/files/info?path=socket")).at("mode").as_string()[0], 'S');
  EXPECT_EQ(call("DELETE", "/files?path=socket").status, 204);
}

TEST_F(Special, DanglingLinksCountAsMissing) {
  fs::create_symlink("nowhere", "dangling");
  EXPECT_EQ(get("/files/info?path=dangling").status, 404);
  EXPECT_EQ(get("/files/download?path=dangling").status, 404);
  EXPECT_EQ(call("DELETE", "/files?path=dangling").status, 404);
  EXPECT_EQ(post("/files/permissions?path=dangling&mode=600").status, 404);
  EXPECT_EQ(json(replace("dangling", "a", "b")).at(0).at("error"), "file not found: dangling");
  EXPECT_EQ(get("/files").body, "[]");
  EXPECT_EQ(post("/files/move?source=dangling&destination=moved").status, 200);
  EXPECT_EQ(fs::read_symlink("moved"), "nowhere");
  put(at("f"), "f");
  EXPECT_EQ(post("/files/move?source=f&destination=moved").status, 409);
  fs::create_symlink("no/such/directory", "far");
  EXPECT_EQ(upload("far", "x").status, 400);
}

TEST_F(Special, NamesThatAreNotUtf8GoThroughEveryRoute) {
  EXPECT_EQ(upload("d\xFF/f\xFE", "text").status, 200);
  EXPECT_EQ(content(at("d\xFF/f\xFE")), "text");
  EXPECT_EQ(json(get("/files/info?path=d%FF/f%FE")).at("name"), "f\xEF\xBF\xBD");
  EXPECT_EQ(json(get("/files?path=d%FF")).as_array().size(), 1u);
  EXPECT_EQ(get("/files/download?path=d%FF/f%FE").body, "text");
  EXPECT_EQ(post("/files/permissions?path=d%FF/f%FE&mode=600").status, 200);
  EXPECT_EQ(post("/files/move?source=d%FF/f%FE&destination=g%FE").status, 200);
  EXPECT_EQ(post("/files/folder?path=h%FF/i").status, 201);
  EXPECT_EQ(call("DELETE", "/files?path=d%FF&recursive=true").status, 204);
  EXPECT_EQ(content(at("g\xFE")), "text");
}

TEST_F(Special, WithoutPermission) {
  open_to_all();
  fs::create_directories("closed/in");
  put(at("closed/f"), "f");
  put(at("secret"), "needle");
  put(at("readable"), "needle");
  ::chmod("closed", 0700);
  ::chmod("secret", 0600);
  ::chmod("readable", 0644);
  AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "needs root";
  auto refused = [](const Reply& r) {
    return r.status == 403 ? member(r, "code") : std::to_string(r.status);
  };
  EXPECT_EQ(refused(get("/files?path=closed")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(get("/files/info?path=closed/f")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(get("/files/download?path=secret")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(call("DELETE", "/files?path=closed/f")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(call("DELETE", "/files?path=closed&recursive=true")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(post("/files/move?source=readable&destination=closed/x")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(refused(post("/files/folder?path=closed/x")), "FILE_ACCESS_DENIED");
  EXPECT_EQ(post("/files/permissions?path=readable&mode=600").status, 400);
  EXPECT_EQ(post("/files/permissions?path=readable&owner=nobody").status, 400);
  EXPECT_EQ(upload("readable", "x").status, 400);
  EXPECT_EQ(upload("closed/new", "x").status, 400);
  EXPECT_EQ(json(replace("readable", "needle", "x")).at(0).at("error"), "permission denied: readable");
  Reply found = get("/files/find?path=.&pattern=needle");
  EXPECT_EQ(json(found).as_array().size(), 1u) << found.body;
  EXPECT_EQ(json(get("/files?depth=3")).as_array().size(), 3u);
  Reply bulk = post("/files/bulk-download", R"({"paths":["secret","readable"]})");
  EXPECT_NE(bulk.body.find("\"statusCode\":403,\"message\":\"permission denied: secret\""),
            std::string::npos);
  EXPECT_NE(bulk.body.find("needle"), std::string::npos);
}

TEST_F(Special, AFileInADirectoryThatMayNotBeWrittenTo) {
  fs::create_directory("closed");
  put(at("closed/f"), "old");
  ::chmod("closed/f", 0666);
  open_to_all();
  struct stat before{}, after{};
  ::stat("closed/f", &before);
  AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "needs root";
  EXPECT_EQ(upload("closed/f", "new").status, 200);
  EXPECT_EQ(content(at("closed/f")), "new");
  EXPECT_EQ(json(replace("closed/f", "new", "newer")).at(0).at("success"), true);
  ::stat("closed/f", &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
  Headers headers;
  headers.set("Content-Type", "multipart/form-data; boundary=B");
  std::string half = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n" +
                     std::string(700'000, 'x');
  EXPECT_EQ(call("POST", "/files/upload-v2?path=closed/f", half, headers).status, 400);
  EXPECT_EQ(content(at("closed/f")), "newer") << "what breaks off must leave the old file";
}

TEST_F(Special, AFullDiskLeavesTheOldFileWhole) {
  SmallDisk disk(at("disk"), "size=1m");
  if (!disk) GTEST_SKIP() << "needs root";
  const std::string old(400'000, 'o');
  put(at("disk/f"), old);
  Reply r = upload("disk/f", std::string(2'000'000, 'n'));
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(member(r, "message").find("No space left"), std::string::npos) << r.body;
  EXPECT_TRUE(content(at("disk/f")) == old);
  EXPECT_EQ(json(replace("disk/f", "oo", "ooooooo")).at(0).at("success"), false);
  EXPECT_TRUE(content(at("disk/f")) == old);
  // A second name: the inode itself must be written to, and there must be room for all of it first.
  fs::create_hard_link("disk/f", "disk/g");
  EXPECT_EQ(upload("disk/f", std::string(600'000, 'n')).status, 400);
  EXPECT_TRUE(content(at("disk/g")) == old);
  EXPECT_EQ(upload("disk/f", std::string(450'000, 'n')).status, 200);
  EXPECT_TRUE(content(at("disk/g")) == std::string(450'000, 'n'));
  EXPECT_EQ(entries("disk"), 2u);
  EXPECT_EQ(upload("disk/f", "short").status, 200);
  EXPECT_EQ(content(at("disk/g")), "short");
}

TEST_F(Special, NoInodesLeft) {
  SmallDisk disk(at("disk"), "size=1m,nr_inodes=3");
  if (!disk) GTEST_SKIP() << "needs root";
  put(at("disk/f"), "old");
  put(at("disk/g"), "");
  EXPECT_EQ(upload("disk/f", "new").status, 400);
  EXPECT_EQ(content(at("disk/f")), "old");
  EXPECT_EQ(upload("disk/h", "new").status, 400);
  EXPECT_EQ(post("/files/folder?path=disk/d").status, 400);
}

TEST_F(Special, AMoveToAFullDiskLeavesTheSource) {
  SmallDisk disk(at("disk"), "size=1m");
  if (!disk) GTEST_SKIP() << "needs root";
  fs::create_directory("t");
  put(at("t/a"), "a");
  put(at("t/b"), std::string(3'000'000, 'b'));
  EXPECT_EQ(post("/files/move?source=t&destination=disk/t").status, 400);
  EXPECT_EQ(entries("disk"), 0u);
  EXPECT_EQ(entries("t"), 2u);
}

TEST_F(Special, ReplacedFilesKeepWhatHangsOnThem) {
  put(at("f"), "old");
  ::chmod("f", 04750);
  if (::setxattr("f", "user.note", "kept", 4, 0) != 0) GTEST_SKIP() << "no attributes here";
  EXPECT_EQ(upload("f", "new").status, 200);
  char value[8];
  EXPECT_EQ(::getxattr("f", "user.note", value, sizeof value), 4);
  if (::geteuid() != 0) return;
  put(at("g"), "old");
  ASSERT_EQ(::chown("g", 1234, 4321), 0);
  EXPECT_EQ(json(replace("g", "old", "new")).at(0).at("success"), true);
  struct stat st{};
  ::stat("g", &st);
  EXPECT_EQ(st.st_uid, 1234u);
  EXPECT_EQ(st.st_gid, 4321u);
  EXPECT_EQ(content(at("g")), "new");
}

TEST_F(Special, ReplaceTakesFilesOfAnySizeAndMatchesAcrossPieces) {
  std::string text, wanted;
  for (int i = 0; i < 300'000; ++i) {
    text += std::string(static_cast<size_t>(i % 7), '.') + "needle";
    wanted += std::string(static_cast<size_t>(i % 7), '.') + "pin";
  }
  put(at("f"), text);
  EXPECT_EQ(json(replace("f", "needle", "pin")).at(0).at("success"), true);
  EXPECT_TRUE(content(at("f")) == wanted);
  put(at("g"), "aaaa");
  replace("g", "aa", "a");
  EXPECT_EQ(content(at("g")), "aa");
}

}  // namespace
}  // namespace dt::daemon
