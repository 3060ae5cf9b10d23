#include "libs/net/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/net/http_test_util.h"

namespace dt {
namespace {

using test::open;
using test::read_until;
using test::run;

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('A' + i % 51);
  return out;
}

std::pair<Stream, Stream> socket_pair() {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  return {Stream(Fd(fds[0])), Stream(Fd(fds[1]))};
}

std::pair<Stream, Stream> pipe_pair() {
  Pipe pipe = std::move(*make_pipe(O_NONBLOCK));
  return {Stream(std::move(pipe.read)), Stream(std::move(pipe.write))};
}

Task<void> feed(Stream stream, std::string bytes) {
  auto sent = co_await stream.write_all(bytes);
  EXPECT_TRUE(sent);
}
Task<void> feed_open(Stream& stream, std::string bytes) {
  auto sent = co_await stream.write_all(bytes);
  EXPECT_TRUE(sent);
}

TEST(Endpoint, ParseAndPrint) {
  for (const char* text :
       {"127.0.0.1:3000", "[::1]:80", "localhost:1", "unix:/run/a.sock", "name.example:65535"})
    EXPECT_EQ(Endpoint::parse(text).value().str(), text);
  for (const char* text : {"", "a", ":80", "a:", "a:b", "a:-1", "a:65536", "::1:80", "unix:", "a:1x"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  EXPECT_FALSE(Endpoint::parse("unix:/" + std::string(200, 'p')));
}

TEST(Stream, EndDeadlineAndCancel) {
  run([]() -> Task<void> {
    auto [a, b] = socket_pair();
    char buffer[16];
    auto got = co_await a.read_some(buffer, after(Millis(10)));
    EXPECT_EQ(got.error().code, Code::timeout);
    auto sent = co_await b.write_all("he", "llo");
    EXPECT_TRUE(sent);
    got = co_await a.read_some(buffer);
    EXPECT_EQ(std::string_view(buffer, got.value()), "hello");
    EXPECT_TRUE(b.shutdown_write());
    got = co_await a.read_some(buffer);
    EXPECT_EQ(got.value(), 0u);
    got = co_await a.read_some(buffer);
    EXPECT_EQ(got.value(), 0u);
    b.cancel();
    got = co_await b.read_some(buffer);
    EXPECT_EQ(got.error().code, Code::cancelled);
  }());
}

TEST(Stream, WritingToAClosedPeerFails) {
  run([]() -> Task<void> {
    auto [a, b] = socket_pair();
    b = Stream(Fd());
    auto sent = co_await a.write_all("x");
    EXPECT_EQ(sent.error().code, Code::closed);
    auto [read_end, write_end] = pipe_pair();
    read_end = Stream(Fd());
    sent = co_await write_end.write_all("x");  // would be SIGPIPE without the loop's mask
    EXPECT_EQ(sent.error().code, Code::closed);
  }());
}

TEST(Stream, ABlockedWriteTimesOut) {
  run([]() -> Task<void> {
    auto [a, b] = socket_pair();
    auto sent = co_await a.write_all(std::string(10'000'000, 'x'), after(Millis(20)));
    EXPECT_EQ(sent.error().code, Code::timeout);
    auto [c, d] = socket_pair();
    c.set_write_idle(Millis(20));
    sent = co_await c.write_all(std::string(10'000'000, 'x'));
    EXPECT_EQ(sent.error().code, Code::timeout);
  }());
}

TEST(Stream, LargeTransfersKeepEveryByte) {
  run([]() -> Task<void> {
    for (bool use_pipe : {false, true}) {
      auto [reader, writer] = use_pipe ? pipe_pair() : socket_pair();
      std::string bytes = pattern(5'000'000);
      TaskScope scope("writer");
      scope.spawn(feed(std::move(writer), bytes));
      std::string got = co_await read_until(reader);
      EXPECT_TRUE(got == bytes);
      co_await scope.join();
    }
  }());
}

TEST(Listener, TcpAndUnix) {
  run([]() -> Task<void> {
    test::TempDir dir;
    Endpoint unix_at{.host = {}, .port = 0, .unix_path = dir.path / "l.sock"};
    Endpoint tcp_at{.host = "127.0.0.1", .port = 0, .unix_path = {}};
    Endpoint six_at{.host = "::1", .port = 0, .unix_path = {}};
    for (Endpoint at : {unix_at, tcp_at, six_at}) {
      auto listener = Listener::bind(at);
      if (!listener && at.host == "::1") continue;  // no IPv6 here
      EXPECT_TRUE(listener.has_value());
      if (at.unix_path.empty()) at.port = listener->port();
      auto second = Listener::bind(at);
      EXPECT_EQ(second.error().code, Code::conflict);
      Stream client = co_await open(at);
      auto server = co_await listener->accept();
      EXPECT_TRUE(server.has_value());
      EXPECT_EQ(server->peer(), at.unix_path.empty() ? at.host : "unix");
      auto sent = co_await client.write_all("x");
      EXPECT_TRUE(sent);
    }
  }());
}

TEST(Listener, ReplacesAStaleSocketFileOnly) {
  run([]() -> Task<void> {
    test::TempDir dir;
    Endpoint at{.host = {}, .port = 0, .unix_path = dir.path / "stale.sock"};
    {
      auto listener = Listener::bind(at);
      Fd keep(dup(listener->fd()));
      std::filesystem::rename(at.unix_path, dir.path / "aside");
      listener->close();
      std::filesystem::rename(dir.path / "aside", at.unix_path);
    }
    EXPECT_TRUE(std::filesystem::exists(at.unix_path));
    auto again = Listener::bind(at);
    EXPECT_TRUE(again.has_value());
    Stream client = co_await open(at);
    Endpoint file{.host = {}, .port = 0, .unix_path = dir.path / "file"};
    EXPECT_TRUE(write_file_atomic(file.unix_path, "data"));
    auto on_file = Listener::bind(file);
    EXPECT_FALSE(on_file.has_value());
    EXPECT_TRUE(std::filesystem::exists(file.unix_path));
  }());
}

TEST(Listener, CloseEndsAccept) {
  run([]() -> Task<void> {
    auto listener = Listener::bind({.host = "127.0.0.1", .port = 0, .unix_path = {}});
    TaskScope scope("close");
    scope.spawn([](Listener& l) -> Task<void> {
      co_await Loop::current().sleep_for(Millis(10));
      l.close();
    }(*listener));
    auto stream = co_await listener->accept();
    EXPECT_EQ(stream.error().code, Code::cancelled);
    co_await scope.join();
  }());
}

// from -> (pump) -> to, for every pair of kinds of descriptors.
Task<void> pump_case(bool pipe_in, bool pipe_out, int64_t limit) {
  auto [in_read, in_write] = pipe_in ? pipe_pair() : socket_pair();
  auto [out_read, out_write] = pipe_out ? pipe_pair() : socket_pair();
  std::string bytes = pattern(3'000'000);
  TaskScope scope("pump");
  scope.spawn(feed_open(in_write, bytes));
  std::string got;
  scope.spawn(
      [](Stream& from, std::string& into) -> Task<void> { into = co_await read_until(from); }(out_read, got));
  if (limit < 0) {
    scope.spawn([](Stream& writer, size_t) -> Task<void> {
      co_await Loop::current().sleep_for(Millis(100));
      Stream end = std::move(writer);
    }(in_write, bytes.size()));
  }
  auto moved = co_await pump(in_read, out_write, limit);
  EXPECT_EQ(moved.value(), limit < 0 ? 3'000'000 : limit);
  {
    Stream end = std::move(out_write);
  }
  int64_t rest = limit < 0 ? 0 : 3'000'000 - limit;
  while (rest > 0) {
    char buffer[4096];
    auto n = co_await in_read.read_some(buffer, after(Millis(5'000)));
    EXPECT_TRUE(n && *n > 0);
    if (!n || *n == 0) break;
    rest -= static_cast<int64_t>(*n);
  }
  EXPECT_EQ(rest, 0);
  co_await scope.join();
  EXPECT_TRUE(got == bytes.substr(0, limit < 0 ? bytes.size() : static_cast<size_t>(limit)));
}

TEST(Pump, AllKindsOfDescriptors) {
  for (bool in : {false, true})
    for (bool out : {false, true})
      for (int64_t limit : {-1, 0, 1, 100'000, 2'900'000}) run(pump_case(in, out, limit));
}

TEST(Pump, BothWaysWithHalfClose) {
  run([]() -> Task<void> {
    auto [a_far, a] = socket_pair();
    auto [b, b_far] = socket_pair();
    TaskScope scope("both");
    scope.spawn(pump_both(a, b));
    auto sent = co_await a_far.write_all("request");
    EXPECT_TRUE(sent);
    EXPECT_TRUE(a_far.shutdown_write());
    std::string there = co_await read_until(b_far);
    EXPECT_EQ(there, "request");
    sent = co_await b_far.write_all("answer");
    EXPECT_TRUE(b_far.shutdown_write());
    std::string back = co_await read_until(a_far);
    EXPECT_EQ(back, "answer");
    co_await scope.join();
  }());
}

TEST(Pump, AFailureEndsBothWays) {
  run([]() -> Task<void> {
    auto [a_far, a] = socket_pair();
    auto [b, b_far] = socket_pair();
    TaskScope scope("both");
    scope.spawn(pump_both(a, b));
    {
      Stream gone = std::move(b_far);
    }
    auto sent = co_await a_far.write_all(std::string(100'000, 'x'), after(Millis(500)));
    (void)sent;
    co_await scope.join();
  }());
}

}  // namespace
}  // namespace dt
