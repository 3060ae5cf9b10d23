#include "libs/net/websocket.h"

#include <sys/socket.h>
#include "libs/base/text.h"

#include "libs/net/http_test_util.h"
#include "libs/net/sha1.h"
#include "libs/net/websocket_frame.h"

namespace dt {
namespace {

using detail::Opcode;
using test::run;
using Role = WebSocket::Role;
using Kind = WebSocket::Kind;

std::pair<Stream, Stream> stream_pair() {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  return {Stream(Fd(fds[0])), Stream(Fd(fds[1]))};
}

const std::array<unsigned char, 4> kKey = {0x12, 0xf3, 0x00, 0x7a};

std::string client_frame(unsigned first_byte, std::string payload) {
  std::string out = detail::format_frame_header(Opcode::text, payload.size(), &kKey);
  out[0] = static_cast<char>(first_byte);
  detail::apply_mask(payload.data(), payload.size(), kKey);
  return out + payload;
}

std::string close_payload(int code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + std::string(reason);
}

TEST(Sha1, KnownAnswers) {
  EXPECT_EQ(hex_encode(detail::sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex_encode(detail::sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_encode(detail::sha1(std::string(1000, 'a'))), "291e9a6c66994949b57ba5e650361e98fc36b1ba");
}

TEST(WebSocketFrame, HeadersRoundTrip) {
  for (uint64_t length : {0ull, 1ull, 125ull, 126ull, 65'535ull, 65'536ull, 1ull << 40}) {
    for (bool masked : {false, true}) {
      std::string bytes = detail::format_frame_header(Opcode::binary, length, masked ? &kKey : nullptr);
      for (size_t cut = 0; cut < bytes.size(); ++cut) {
        auto partial = detail::parse_frame_header(std::string_view(bytes).substr(0, cut), masked);
        ASSERT_TRUE(partial.has_value());
        EXPECT_FALSE(partial->has_value());
      }
      auto header = detail::parse_frame_header(bytes, masked);
      ASSERT_TRUE(header && *header);
      EXPECT_EQ((*header)->length, length);
      EXPECT_EQ((*header)->size, bytes.size());
      EXPECT_FALSE(detail::parse_frame_header(bytes, !masked));
    }
  }
}

TEST(WebSocketFrame, Refusals) {
  auto refused = [](std::string bytes) { return !detail::parse_frame_header(bytes, false).has_value(); };
  EXPECT_TRUE(refused("\xc1\x01"));                          // RSV1
  EXPECT_TRUE(refused("\xa1\x01"));                          // RSV2
  EXPECT_TRUE(refused("\x91\x01"));                          // RSV3
  EXPECT_TRUE(refused("\x83\x01"));                          // reserved opcode
  EXPECT_TRUE(refused("\x8b\x01"));                          // reserved control opcode
  EXPECT_TRUE(refused(std::string("\x09\x00", 2)));          // fragmented ping
  EXPECT_TRUE(refused(std::string("\x89\x7e\x00\x80", 4)));  // long ping
  EXPECT_TRUE(refused(std::string("\x82\x7e\x00\x05", 4)));  // not the shortest form
  EXPECT_TRUE(refused(std::string("\x82\x7f\x00\x00\x00\x00\x00\x00\x01\x00", 10)));
  EXPECT_TRUE(refused(std::string("\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00", 10)));  // high bit
}

TEST(WebSocketFrame, MaskingMatchesTheDefinition) {
  for (size_t size = 0; size < 40; ++size) {
    for (size_t phase = 0; phase < 4; ++phase) {
      std::string data(size, '\0'), expected(size, '\0');
      for (size_t i = 0; i < size; ++i) {
        data[i] = static_cast<char>(i * 31);
        expected[i] = static_cast<char>(data[i] ^ static_cast<char>(kKey[(i + phase) & 3]));
      }
      detail::apply_mask(data.data(), size, kKey, phase);
      EXPECT_EQ(data, expected);
    }
  }
}

struct Session {
  std::string bytes;     // what the client sends
  std::string messages;  // what receive() gave: "t:text", "b:bytes", "c:code:reason"
  std::string answer;    // what the server wrote
};

Task<Session> converse(std::string bytes, size_t max_message) {
  auto [near, far] = stream_pair();
  Session out{.bytes = bytes, .messages = {}, .answer = {}};
  auto sent = co_await far.write_all(bytes);
  (void)far.shutdown_write();
  {
    WebSocket socket(near, {}, Role::server, max_message);
    for (;;) {
      auto message = co_await socket.receive(after(Millis(2'000)));
      if (!message) break;
      if (message->kind == Kind::close) {
        out.messages += "c:" + std::to_string(message->close_code) + " ";
      } else {
        out.messages += (message->kind == Kind::text ? "t:" : "b:") + message->data + " ";
      }
    }
    EXPECT_FALSE(socket.open());
  }
  (void)near.shutdown_write();
  out.answer = co_await test::read_until(far);
  co_return out;
}

Session talk(std::string bytes, size_t max_message = 1000) {
  return run(converse(std::move(bytes), max_message));
}

std::string server_close(int code) { return std::string("\x88\x02") + close_payload(code); }

TEST(WebSocket, MessagesFragmentsAndControlFrames) {
  Session s = talk(client_frame(0x81, "hello") + client_frame(0x02, "ab") + client_frame(0x89, "ping!") +
                   client_frame(0x00, "") + client_frame(0x8a, "") + client_frame(0x80, "cd") +
                   client_frame(0x88, close_payload(1000, "done")));
  EXPECT_EQ(s.messages, "t:hello b:abcd c:1000 ");
  EXPECT_EQ(s.answer, std::string("\x8a\x05ping!") + server_close(1000));
}

TEST(WebSocket, EverySplitPointOfTheInput) {
  std::string bytes = client_frame(0x81, "hello") + client_frame(0x02, std::string(300, 'x')) +
                      client_frame(0x89, "p") + client_frame(0x80, "yz") +
                      client_frame(0x88, close_payload(4001));
  run([](std::string input) -> Task<void> {
    for (size_t cut = 0; cut <= input.size(); ++cut) {
      auto [near, far] = stream_pair();
      WebSocket socket(near, input.substr(0, cut), Role::server);
      auto sent = co_await far.write_all(input.substr(cut));
      EXPECT_TRUE(sent);
      auto first = co_await socket.receive();
      auto second = co_await socket.receive();
      auto third = co_await socket.receive();
      EXPECT_TRUE(first && first->data == "hello") << cut;
      EXPECT_TRUE(second && second->data == std::string(300, 'x') + "yz") << cut;
      EXPECT_TRUE(third && third->kind == Kind::close && third->close_code == 4001) << cut;
    }
  }(bytes));
}

TEST(WebSocket, ProtocolErrorsCloseWithTheRightCode) {
  struct Case {
    std::string bytes;
    int code;
  };
  const Case cases[] = {
      {client_frame(0xc1, "x"), 1002},
      {std::string("\x81\x01x"), 1002},                           // not masked
      {client_frame(0x80, "x"), 1002},                            // continuation of nothing
      {client_frame(0x01, "x") + client_frame(0x81, "y"), 1002},  // new message inside one
      {client_frame(0x88, "x"), 1002},                            // one byte of code
      {client_frame(0x88, close_payload(1005)), 1002},
      {client_frame(0x88, close_payload(999)), 1002},
      {client_frame(0x88, close_payload(2999)), 1002},
      {client_frame(0x88, close_payload(1000, "\xff")), 1007},
      {client_frame(0x81, "\xc3\x28"), 1007},
      {client_frame(0x01, "\xc3") + client_frame(0x80, "\x28"), 1007},
      {client_frame(0x82, std::string(1001, 'x')), 1009},
      {client_frame(0x02, std::string(600, 'x')) + client_frame(0x80, std::string(600, 'x')), 1009},
  };
  for (const Case& c : cases) {
    Session s = talk(c.bytes);
    EXPECT_EQ(s.messages, "c:" + std::to_string(c.code) + " ") << hex_encode(c.bytes);
    EXPECT_TRUE(s.answer.size() >= 4 && s.answer.substr(2, 2) == close_payload(c.code))
        << hex_encode(s.answer);
  }
  // A character that is split over fragments is fine.
  EXPECT_EQ(talk(client_frame(0x01, "\xc3") + client_frame(0x80, "\xa9")).messages, "t:\xc3\xa9 c:1006 ");
}

TEST(WebSocket, LostConnectionAndEmptyClose) {
  EXPECT_EQ(talk("").messages, "c:1006 ");
  EXPECT_EQ(talk(client_frame(0x81, "half").substr(0, 7)).messages, "c:1006 ");
  Session s = talk(client_frame(0x88, ""));
  EXPECT_EQ(s.messages, "c:1005 ");
  EXPECT_EQ(s.answer, std::string("\x88\x00", 2));
}

TEST(WebSocket, SendsWhileAReceiveWaits) {
  run([]() -> Task<void> {
    auto [near, far] = stream_pair();
    WebSocket server(near, {}, Role::server);
    WebSocket client(far, {}, Role::client);
    TaskScope scope("senders");
    // Larger than the socket's buffer: the frames of three senders must not mix.
    for (char c : {'a', 'b', 'c'}) {
      scope.spawn([](WebSocket& socket, char fill) -> Task<void> {
        for (int i = 0; i < 5; ++i) {
          auto sent = co_await socket.send_text(std::string(500'000, fill));
          EXPECT_TRUE(sent);
        }
      }(server, c));
    }
    scope.spawn([](WebSocket& socket) -> Task<void> {
      auto message = co_await socket.receive();
      EXPECT_TRUE(message && message->data == "from the client");
    }(server));
    for (int i = 0; i < 15; ++i) {
      auto message = co_await client.receive();
      EXPECT_TRUE(message && message->data.size() == 500'000);
      if (message) EXPECT_EQ(message->data.find_first_not_of(message->data[0]), std::string::npos);
    }
    auto pinged = co_await client.ping();
    auto sent = co_await client.send_text("from the client");
    EXPECT_TRUE(pinged && sent);
    co_await scope.join();
    auto timed_out = co_await client.receive(after(Millis(20)));
    EXPECT_FALSE(timed_out);
    EXPECT_EQ(client.pongs(), 1u);
    EXPECT_TRUE(client.open());
    auto closed = co_await server.close(1001, std::string(200, 'r'));
    closed = co_await server.close(1000);
    EXPECT_TRUE(closed);
    auto last = co_await client.receive();
    EXPECT_TRUE(last && last->close_code == 1001 && last->data == std::string(123, 'r'));
    auto refused = co_await client.send_text("late");
    EXPECT_FALSE(refused);
  }());
}

TEST(WebSocketHandshake, Rules) {
  auto request = [](std::string version, std::string key) {
    Request r;
    r.method = "GET";
    r.headers.set("Connection", "keep-alive, Upgrade");
    r.headers.set("Upgrade", "WebSocket");
    r.headers.set("Sec-WebSocket-Version", version);
    r.headers.set("Sec-WebSocket-Key", key);
    return r;
  };
  Request good = request("13", "dGhlIHNhbXBsZSBub25jZQ==");
  auto response = websocket_response(good, "", {});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->headers.get_or("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(response->headers.get("Sec-WebSocket-Protocol"));
  EXPECT_FALSE(websocket_response(request("8", "dGhlIHNhbXBsZSBub25jZQ=="), "", {}));
  EXPECT_FALSE(websocket_response(request("13", "short"), "", {}));
  good.headers.remove("Upgrade");
  EXPECT_FALSE(websocket_response(good, "", {}));
  good.headers.set("Sec-WebSocket-Protocol", "b, a");
  EXPECT_EQ(choose_protocol(good, {"a", "b"}), "a");
  EXPECT_EQ(choose_protocol(good, {"c"}), "");
}

}  // namespace
}  // namespace dt
