// What clients do not show: answers byte by byte. Transfers are tested with real clients in tests/ssh.
#include "apps/daemon/ssh/sftp/sftp_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace dt::ssh {
namespace {

class SftpServerTest : public ::testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/sftp-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    std::string hello;
    put_u8(hello, 1);
    put_u32(hello, 3);
    std::string out;
    ASSERT_TRUE(server_.handle(hello, out));
    version_ = out;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  struct Answer {
    Reply type;
    std::string body;  // after the id
    Code3 code() const {
      EXPECT_EQ(type, Reply::status);
      return static_cast<Code3>(WireReader(body).u32());
    }
    std::string text() const { return std::string(WireReader(body).string()); }
  };
  Answer ask(Op op, std::string_view arguments) {
    std::string packet, out;
    put_u8(packet, static_cast<uint8_t>(op));
    put_u32(packet, 77);
    packet += arguments;
    EXPECT_TRUE(server_.handle(packet, out));
    WireReader in(out);
    EXPECT_EQ(in.u32(), out.size() - 4);
    Answer answer{static_cast<Reply>(in.u8()), ""};
    EXPECT_EQ(in.u32(), 77u);
    answer.body = in.rest();
    return answer;
  }
  static std::string words(std::initializer_list<std::string_view> all) {
    std::string out;
    for (std::string_view word : all) put_string(out, word);
    return out;
  }
  std::string at(std::string_view name) const { return dir_ + "/" + std::string(name); }
  void put(std::string_view name, std::string_view text) const { std::ofstream(at(name)) << text; }
  Answer open(std::string_view name, uint32_t flags) {
    std::string arguments = words({at(name)});
    put_u32(arguments, flags);
    put_u32(arguments, 0);
    return ask(Op::open, arguments);
  }
  Answer read(const std::string& handle, uint64_t offset, uint32_t size) {
    std::string arguments = words({handle});
    put_u64(arguments, offset);
    put_u32(arguments, size);
    return ask(Op::read, arguments);
  }
  Answer write(const std::string& handle, uint64_t offset, std::string_view text) {
    std::string arguments = words({handle});
    put_u64(arguments, offset);
    put_string(arguments, text);
    return ask(Op::write, arguments);
  }
  std::string name_of(const Answer& answer) {
    EXPECT_EQ(answer.type, Reply::name);
    WireReader in(answer.body);
    in.u32();
    return std::string(in.string());
  }
  std::string content(std::string_view name) const {
    std::ifstream in(at(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string dir_, version_;
  SftpServer server_;
};

TEST_F(SftpServerTest, AnnouncesItsExtensions) {
  for (const char* name : {"posix-rename@openssh.com", "statvfs@openssh.com", "hardlink@openssh.com",
                           "fsync@openssh.com", "limits@openssh.com"})
    EXPECT_NE(version_.find(name), std::string::npos) << name;
}

TEST_F(SftpServerTest, NothingBeforeTheGreeting) {
  SftpServer fresh;
  std::string packet, out;
  put_u8(packet, static_cast<uint8_t>(Op::stat));
  put_u32(packet, 1);
  packet += words({"/"});
  EXPECT_FALSE(fresh.handle(packet, out));
}

TEST_F(SftpServerTest, ReadsAtOffsets) {
  put("f", "0123456789");
  std::string handle = open("f", kRead).text();
  EXPECT_EQ(read(handle, 3, 4).text(), "3456");
  EXPECT_EQ(read(handle, 8, 4).text(), "89");
  EXPECT_EQ(read(handle, 10, 4).code(), Code3::eof);
  EXPECT_EQ(ask(Op::close, words({handle})).code(), Code3::ok);
  EXPECT_EQ(read(handle, 0, 4).code(), Code3::failure);
}

TEST_F(SftpServerTest, WritesAtOffsetsAndAppends) {
  std::string handle = open("f", kWrite | kCreate).text();
  EXPECT_EQ(write(handle, 5, "there").code(), Code3::ok);
  EXPECT_EQ(write(handle, 0, "hello").code(), Code3::ok);
  EXPECT_EQ(content("f"), "hellothere");
  std::string more = open("f", kWrite | kAppend).text();
  EXPECT_EQ(write(more, 0, "!").code(), Code3::ok);
  EXPECT_EQ(content("f"), "hellothere!");
  EXPECT_EQ(open("f", kWrite | kCreate | kExclusive).code(), Code3::failure);
  open("f", kWrite | kTruncate);
  EXPECT_EQ(content("f"), "");
}

TEST_F(SftpServerTest, HandlesAreOnlyThoseGivenOut) {
  EXPECT_EQ(read("", 0, 1).code(), Code3::failure);
  EXPECT_EQ(read(std::string("\xff\xff\xff\xff", 4), 0, 1).code(), Code3::failure);
  EXPECT_EQ(ask(Op::fstat, words({"abcd"})).code(), Code3::failure);
  EXPECT_EQ(ask(Op::readdir, words({"abcdefgh"})).code(), Code3::failure);
}

TEST_F(SftpServerTest, RenameReplacesNothingButItsExtensionDoes) {
  put("a", "new");
  put("b", "old");
  EXPECT_EQ(ask(Op::rename, words({at("a"), at("b")})).code(), Code3::failure);
  EXPECT_EQ(content("b"), "old");
  EXPECT_EQ(ask(Op::extended, words({"posix-rename@openssh.com", at("a"), at("b")})).code(), Code3::ok);
  EXPECT_EQ(content("b"), "new");
}

TEST_F(SftpServerTest, RealPathNamesWhatCanBeMade) {
  std::string real = std::filesystem::canonical(dir_);
  EXPECT_EQ(name_of(ask(Op::realpath, words({at("new")}))), real + "/new");
  EXPECT_EQ(ask(Op::realpath, words({at("no/new")})).code(), Code3::no_such_file);
  EXPECT_EQ(name_of(ask(Op::realpath, words({"/.."}))), "/");
  EXPECT_EQ(name_of(ask(Op::realpath, words({""}))), std::filesystem::current_path());
}

TEST_F(SftpServerTest, LinksPointWhereTheFirstArgumentSays) {
  EXPECT_EQ(ask(Op::symlink, words({"target", at("link")})).code(), Code3::ok);
  EXPECT_EQ(name_of(ask(Op::readlink, words({at("link")}))), "target");
  EXPECT_EQ(ask(Op::stat, words({at("link")})).code(), Code3::no_such_file);
  EXPECT_EQ(ask(Op::lstat, words({at("link")})).type, Reply::attrs);
}

TEST_F(SftpServerTest, ListsDirectoriesInPieces) {
  for (int i = 0; i < 1000; ++i) put("file-with-a-long-name-" + std::to_string(i), "");
  std::string handle = ask(Op::opendir, words({dir_})).text();
  uint32_t total = 0;
  int pieces = 0;
  for (;; ++pieces) {
    Answer answer = ask(Op::readdir, words({handle}));
    if (answer.type == Reply::status) {
      EXPECT_EQ(answer.code(), Code3::eof);
      break;
    }
    EXPECT_LT(answer.body.size(), kMaxPacket);
    total += WireReader(answer.body).u32();
  }
  EXPECT_EQ(total, 1002u);
  EXPECT_GT(pieces, 1);
}

TEST_F(SftpServerTest, SetsAttributesThroughHandles) {
  put("f", "0123456789");
  std::string handle = open("f", kRead | kWrite).text();
  std::string arguments = words({handle});
  put_attributes(arguments, {.size = 4, .mode = 0640, .times = Attributes::Times{1000, 2000}});
  EXPECT_EQ(ask(Op::fsetstat, arguments).code(), Code3::ok);
  struct stat st{};
  ASSERT_EQ(::stat(at("f").c_str(), &st), 0);
  EXPECT_EQ(st.st_size, 4);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
  EXPECT_EQ(st.st_mtime, 2000);
}

TEST_F(SftpServerTest, SyncsAndTellsRoomAndLimits) {
  std::string handle = open("f", kWrite | kCreate).text();
  EXPECT_EQ(ask(Op::extended, words({"fsync@openssh.com", handle})).code(), Code3::ok);
  EXPECT_EQ(ask(Op::extended, words({"statvfs@openssh.com", dir_})).body.size(), 11u * 8);
  EXPECT_EQ(ask(Op::extended, words({"fstatvfs@openssh.com", handle})).body.size(), 11u * 8);
  Answer limits = ask(Op::extended, words({"limits@openssh.com"}));
  EXPECT_EQ(WireReader(limits.body).u64(), kMaxPacket);
  EXPECT_EQ(ask(Op::extended, words({"no-such@example.com"})).code(), Code3::unsupported);
}

TEST_F(SftpServerTest, MalformedRequestsAreAnswered) {
  EXPECT_EQ(ask(Op::open, "").code(), Code3::bad_message);
  EXPECT_EQ(ask(Op::read, words({"abcd"})).code(), Code3::bad_message);
  EXPECT_EQ(ask(static_cast<Op>(99), "").code(), Code3::unsupported);
  EXPECT_EQ(ask(Op::stat, words({std::string_view("/etc\0x", 6)})).code(), Code3::no_such_file);
}

}  // namespace
}  // namespace dt::ssh
