// Client and forwarding over real sockets.
#include "libs/net/http_client.h"

#include <sys/resource.h>

#include "libs/net/http_test_util.h"
#include "libs/net/websocket.h"

namespace dt {
namespace {

using test::open;
using test::raw_exchange;
using test::read_until;
using test::run;
using test::TestServer;

Task<Response> hello(Request& request) { co_return Response::text(200, "hello " + request.target); }

// A peer that answers each connection with fixed bytes, whatever it is asked, and then closes.
struct FixedPeer {
  Listener listener = std::move(*Listener::bind({.host = "127.0.0.1", .port = 0, .unix_path = {}}));
  std::vector<std::string> answers;  // one per connection, the last one repeats
  size_t connections = 0;
  std::string seen;
  TaskScope scope{"fixed peer"};
  Endpoint endpoint{.host = "127.0.0.1", .port = listener.port(), .unix_path = {}};

  explicit FixedPeer(std::vector<std::string> a) : answers(std::move(a)) { scope.spawn(serve()); }
  Task<void> serve() {
    for (;;) {
      auto stream = co_await listener.accept();
      if (!stream) co_return;
      std::string answer = answers[std::min(connections, answers.size() - 1)];
      ++connections;
      seen = co_await read_until(*stream, "\r\n\r\n");
      auto sent = co_await stream->write_all(answer);
      (void)sent;
    }
  }
  Task<void> stop() {
    listener.close();
    co_await scope.join();
  }
};

Task<Result<HttpClient::Reply>> get(HttpClient& client, Endpoint to, std::string method = "GET") {
  CallContext ctx;
  ctx.deadline = after(Millis(5'000));
  ClientRequest request;
  request.method = std::move(method);
  auto reply = co_await client.call(ctx, to, std::move(request));
  co_return reply;
}

TEST(HttpClient, FramingsOfAnswers) {
  run([]() -> Task<void> {
    struct Case {
      const char* answer;
      const char* body;  // nullptr: an error
    };
    const Case cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ""},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
         "1\r\n\r\nz",
         "z"},
        {"HTTP/1.1 200 OK\r\n\r\nuntil close", "until close"},
        {"HTTP/1.0 200 OK\r\n\r\n1.0", "1.0"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc"},
        {"HTTP/1.1 204 No Content\r\n\r\n", ""},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", nullptr},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", nullptr},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", nullptr},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", nullptr},
        {"HTTP/1.1 200 OK\nContent-Length: 1\n\nab", nullptr},
        {"nonsense\r\n\r\n", nullptr},
        {"", nullptr},
    };
    for (const Case& c : cases) {
      FixedPeer peer({c.answer});
      HttpClient client;
      auto reply = co_await get(client, peer.endpoint);
      EXPECT_EQ(reply.has_value(), c.body != nullptr) << c.answer;
      if (reply && c.body) EXPECT_EQ(reply->body, c.body);
      co_await peer.stop();
    }
  }());
}

TEST(HttpClient, HeadHasNoBody) {
  run([]() -> Task<void> {
    TestServer s(hello);
    HttpClient client;
    for (int i = 0; i < 2; ++i) {
      auto reply = co_await get(client, s.endpoint, "HEAD");
      EXPECT_EQ(reply->body, "");
      EXPECT_EQ(reply->headers.get_or("Content-Length"), "7");
    }
    EXPECT_EQ(s.server.open_connections(), 1u);
    co_await s.stop();
  }());
}

TEST(HttpClient, AStaleConnectionIsRetriedOnce) {
  run([]() -> Task<void> {
    // Says keep-alive and closes: the second request meets a connection that is gone.
    FixedPeer peer({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"});
    HttpClient client;
    for (int i = 0; i < 5; ++i) {
      auto reply = co_await get(client, peer.endpoint, "POST");
      EXPECT_TRUE(reply.has_value());
    }
    EXPECT_EQ(peer.connections, 5u);
    co_await peer.stop();
  }());
}

// Reads a first request and answers it, reads a second one on the same connection and closes.
Task<void> answer_once_then_close(Listener& listener, size_t& connections) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream) co_return;
    ++connections;
    std::string seen = co_await read_until(*stream, "\r\n\r\n");
    auto sent = co_await stream->write_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    (void)sent;
    seen = co_await read_until(*stream, "\r\n\r\n");
  }
}

TEST(HttpClient, OnlyWhatMayBeDoneTwiceIsSentTwice) {
  run([]() -> Task<void> {
    for (const char* method : {"GET", "POST"}) {
      Listener listener = std::move(*Listener::bind({.host = "127.0.0.1", .port = 0, .unix_path = {}}));
      Endpoint to{.host = "127.0.0.1", .port = listener.port(), .unix_path = {}};
      size_t connections = 0;
      TaskScope scope("peer");
      scope.spawn(answer_once_then_close(listener, connections));
      HttpClient client;
      auto first = co_await get(client, to, method);
      EXPECT_TRUE(first.has_value());
      auto second = co_await get(client, to, method);
      bool repeated = std::string_view(method) == "GET";
      EXPECT_EQ(second.has_value(), repeated) << method;
      EXPECT_EQ(connections, repeated ? 2u : 1u) << method;
      listener.close();
      scope.stop_now();
    }
  }());
}

TEST(HttpClient, LocalhostIsBothFamilies) {
  run([]() -> Task<void> {
    for (const char* address : {"127.0.0.1", "::1"}) {
      TestServer s(hello, {}, {.host = address, .port = 0, .unix_path = {}});
      HttpClient client;
      Endpoint localhost{.host = "localhost", .port = s.endpoint.port, .unix_path = {}};
      auto reply = co_await get(client, localhost);
      EXPECT_TRUE(reply.has_value()) << address;
      co_await s.stop();
      reply = co_await get(client, localhost);
      EXPECT_EQ(reply.error().code, Code::unavailable) << address;
    }
  }());
}

TEST(HttpClient, NobodyListensIsUnavailable) {
  run([]() -> Task<void> {
    Endpoint gone{.host = "127.0.0.1", .port = 1, .unix_path = {}};
    HttpClient client;
    auto reply = co_await get(client, gone);
    EXPECT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::unavailable);
    Endpoint no_socket{.host = {}, .port = 0, .unix_path = "/nonexistent/x.sock"};
    reply = co_await get(client, no_socket);
    EXPECT_EQ(reply.error().code, Code::unavailable);
    Endpoint no_name{.host = "does-not-exist.invalid", .port = 80, .unix_path = {}};
    reply = co_await get(client, no_name);
    EXPECT_EQ(reply.error().code, Code::not_found);
  }());
}

Task<Response> never(Request& request) {
  Event done;
  size_t id = request.ctx.cancel.on_cancel([&] { done.set(); });
  co_await done.wait();
  request.ctx.cancel.remove(id);
  co_return Response::empty(204);
}

TEST(HttpClient, DeadlineAndCancel) {
  run([]() -> Task<void> {
    TestServer s(never);
    HttpClient client;
    CallContext ctx;
    ctx.deadline = after(Millis(50));
    auto reply = co_await client.call(ctx, s.endpoint, ClientRequest{});
    EXPECT_EQ(reply.error().code, Code::timeout);
    CallContext cancelled;
    TaskScope scope("cancel");
    scope.spawn([](CancelSource cancel) -> Task<void> {
      co_await Loop::current().sleep_for(Millis(30));
      cancel.cancel();
    }(cancelled.cancel));
    reply = co_await client.call(cancelled, s.endpoint, ClientRequest{});
    EXPECT_EQ(reply.error().code, Code::cancelled);
    co_await scope.join();
    reply = co_await client.call(cancelled, s.endpoint, ClientRequest{});
    EXPECT_EQ(reply.error().code, Code::cancelled);
    co_await s.stop();
  }());
}

TEST(HttpClient, AnEarlyAnswerEndsTheUpload) {
  run([]() -> Task<void> {
    TestServer s([](Request&) -> Task<Response> { co_return Response::text(413, "too large"); });
    HttpClient client;
    CallContext ctx;
    ClientRequest request{.method = "POST"};
    request.body.assign(30'000'000, 'x');
    auto reply = co_await client.call(ctx, s.endpoint, std::move(request));
    EXPECT_TRUE(reply.has_value()) << reply.error().message;
    if (reply) EXPECT_EQ(reply->status, 413);
    co_await s.stop();
  }());
}

TEST(HttpClient, MalformedRequestLinesAreNotSent) {
  run([]() -> Task<void> {
    TestServer s(hello);
    HttpClient client;
    CallContext ctx;
    for (const char* target : {"", "/a b", "/a\r\nX: y", "/a\n"}) {
      auto reply = co_await client.call(ctx, s.endpoint, ClientRequest{.target = target});
      EXPECT_EQ(reply.error().code, Code::bad_request);
    }
    co_await s.stop();
  }());
}

// --- forwarding
// -----------------------------------------------------------------------------------------------------

struct Hop {
  HttpClient client;
  Endpoint to;
  TestServer server;
  explicit Hop(Endpoint target) : to(target), server([this](Request& r) { return pass(r); }) {}
  Task<Response> pass(Request& request) {
    ForwardOptions options{.target = request.target};
    options.edit_request = [](Headers& h) { h.add("X-Hop", "1"); };
    auto response = co_await forward(client, request, to, std::move(options));
    if (!response) co_return Response::text(http_status(response.error().code), response.error().message);
    co_return std::move(*response);
  }
};

Task<Response> show(Request& request) {
  auto body = co_await request.body->read_all(1 << 20);
  std::string text = request.method + " " + request.target + "\n";
  for (const auto& [name, value] : request.headers.all()) text += name + ": " + value + "\n";
  Response out = Response::text(200, text + "\n" + body.value_or("error"));
  out.headers.set("Keep-Alive", "timeout=5");
  out.headers.set("X-End", "kept");
  co_return out;
}

TEST(Forward, HeadersAndBodyThroughTwoHops) {
  run([]() -> Task<void> {
    TestServer origin(show);
    Hop inner(origin.endpoint);
    Hop outer(inner.server.endpoint);
    std::string out = co_await raw_exchange(
        outer.server.endpoint,
        "POST /p%2Fq?a=%22b HTTP/1.1\r\nHost: public.example\r\nConnection: close, X-Secret\r\nX-Secret: "
        "1\r\n"
        "TE: trailers\r\nProxy-Authorization: Basic x\r\nX-Kept: yes\r\nTransfer-Encoding: "
        "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK"));
    EXPECT_NE(out.find("POST /p%2Fq?a=%22b\n"), std::string::npos) << out;
    EXPECT_NE(out.find("Host: public.example\n"), std::string::npos);
    EXPECT_NE(out.find("X-Forwarded-For: 127.0.0.1, 127.0.0.1\n"), std::string::npos);
    EXPECT_NE(out.find("X-Forwarded-Host: public.example\n"), std::string::npos);
    EXPECT_EQ(test::count_of(out, "X-Hop: 1"), 2u);
    EXPECT_NE(out.find("X-Kept: yes"), std::string::npos);
    EXPECT_EQ(out.find("X-Secret"), std::string::npos);
    EXPECT_EQ(out.find("TE: trailers"), std::string::npos);
    EXPECT_EQ(out.find("Proxy-Authorization"), std::string::npos);
    EXPECT_EQ(out.find("X-Forwarded-Proto"), std::string::npos);
    EXPECT_NE(out.find("X-End: kept"), std::string::npos);
    EXPECT_TRUE(out.ends_with("\n\nbody"));
    co_await outer.server.stop();
    co_await inner.server.stop();
    co_await origin.stop();
  }());
}

TEST(Forward, HeadKeepsWhatTheOtherSideSaysOfItsLength) {
  run([]() -> Task<void> {
    for (const char* length : {"Content-Length: 77\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
      FixedPeer peer({std::string("HTTP/1.1 200 OK\r\n") + length + "\r\n"});
      Hop hop(peer.endpoint);
      std::string out = co_await raw_exchange(hop.server.endpoint,
                                              "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK"));
      EXPECT_EQ(out.find("Content-Length: 77") != std::string::npos, length[0] == 'C');
      EXPECT_EQ(out.find("Content-Length: 0"), std::string::npos) << out;
      co_await hop.server.stop();
      co_await peer.stop();
    }
  }());
}

// Produces `size` bytes of a pattern without holding them.
class PatternReader final : public BodyReader {
 public:
  PatternReader(uint64_t size, bool known) : left_(size), size_(size), known_(known), chunk_(100'000, 'p') {}
  Task<Result<std::string_view>> next() override {
    size_t n = std::min<uint64_t>(left_, chunk_.size());
    left_ -= n;
    co_return std::string_view(chunk_).substr(0, n);
  }
  std::optional<uint64_t> length() const override { return known_ ? std::optional(size_) : std::nullopt; }

 private:
  uint64_t left_, size_;
  bool known_;
  std::string chunk_;
};

Task<Response> mirror(Request& request) {
  Response out;
  if (auto length = request.body->length()) out.headers.set("Content-Length", std::to_string(*length));
  out.stream = [&request](BodyWriter& writer) { return writer.write_from(*request.body); };
  co_return out;
}

size_t peak_memory_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss);
}

Task<void> forward_big(bool known, uint64_t size) {
  TestServer origin(mirror);
  Hop inner(origin.endpoint);
  Hop outer(inner.server.endpoint);
  HttpClient client;
  CallContext ctx;
  PatternReader reader(size, known);
  ClientRequest request{.method = "PUT", .target = "/big"};
  request.body_reader = &reader;
  request.duplex = true;
  size_t before = peak_memory_kib();
  auto response = co_await client.send(ctx, outer.server.endpoint, std::move(request));
  EXPECT_TRUE(response.has_value());
  uint64_t got = 0;
  while (response) {
    auto piece = co_await response->body().next();
    EXPECT_TRUE(piece.has_value());
    if (!piece || piece->empty()) break;
    EXPECT_EQ(piece->find_first_not_of('p'), std::string_view::npos);
    got += piece->size();
  }
  EXPECT_EQ(got, size);
  EXPECT_LT(peak_memory_kib() - before, 90'000u);  // sanitizers need some themselves
  co_await outer.server.stop();
  co_await inner.server.stop();
  co_await origin.stop();
}

TEST(Forward, BigBodiesThroughTwoHopsInLittleMemory) {
  run(forward_big(true, 256u << 20));
  run(forward_big(false, 64u << 20));
  run(forward_big(true, 70'000));
}

TEST(Forward, FailuresOfTheOtherSide) {
  run([]() -> Task<void> {
    struct Case {
      const char* answer;
      const char* status;
    };
    // A peer that lies: a daemon that something inside its sandbox has taken over, say.
    const std::string huge = "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n";
    const Case cases[] = {
        {"", "502"},
        {"garbage\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "502"},
        {"HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: c\r\n\r\n", "502"},
        {"HTTP/1.1 20 OK\r\n\r\n", "502"},
        {huge.c_str(), "502"}};
    for (const Case& c : cases) {
      FixedPeer peer({c.answer});
      Hop hop(peer.endpoint);
      std::string out = co_await raw_exchange(hop.server.endpoint,
                                              "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_TRUE(out.starts_with(std::string("HTTP/1.1 ") + c.status)) << out;
      co_await hop.server.stop();
      co_await peer.stop();
    }
    Hop nobody(Endpoint{.host = "127.0.0.1", .port = 1, .unix_path = {}});
    std::string out = co_await raw_exchange(nobody.server.endpoint,
                                            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 503")) << out;
    co_await nobody.server.stop();
  }());
}

TEST(Forward, AFailureInTheMiddleIsNeverACleanEnd) {
  run([]() -> Task<void> {
    std::string big(200'000, 'x');
    const std::string answers[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + big,
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    };
    for (const std::string& answer : answers) {
      FixedPeer peer({answer});
      Hop hop(peer.endpoint);
      HttpClient client;
      auto reply = co_await get(client, hop.server.endpoint);
      EXPECT_FALSE(reply.has_value());
      co_await hop.server.stop();
      co_await peer.stop();
    }
  }());
}

TEST(Forward, DisconnectOfTheClientCancelsUpstream) {
  run([]() -> Task<void> {
    bool cancelled = false;
    Event started;
    TestServer origin([&](Request& r) -> Task<Response> {
      Event done;
      size_t id = r.ctx.cancel.on_cancel([&] {
        cancelled = true;
        done.set();
      });
      started.set();
      co_await done.wait(after(Millis(2'000)));
      r.ctx.cancel.remove(id);
      co_return Response::empty(204);
    });
    Hop hop(origin.endpoint);
    {
      Stream stream = co_await open(hop.server.endpoint);
      auto sent = co_await stream.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      EXPECT_TRUE(sent);
      co_await started.wait();
    }
    for (int i = 0; i < 100 && !cancelled; ++i) co_await Loop::current().sleep_for(Millis(5));
    EXPECT_TRUE(cancelled);
    co_await hop.server.stop();
    co_await origin.stop();
  }());
}

Task<void> echo_session(WebSocket& socket) {
  for (;;) {
    auto message = co_await socket.receive();
    if (!message || message->kind == WebSocket::Kind::close) co_return;
    Status sent;
    if (message->kind == WebSocket::Kind::text)
      sent = co_await socket.send_text(message->data);
    else
      sent = co_await socket.send_binary(message->data);
    if (!sent) co_return;
  }
}

TEST(Forward, WebSocketThroughTwoHops) {
  run([]() -> Task<void> {
    TestServer origin([](Request& r) -> Task<Response> {
      auto response = websocket_response(r, choose_protocol(r, {"pty"}), echo_session);
      co_return response ? std::move(*response) : Response::text(400, response.error().message);
    });
    Hop inner(origin.endpoint);
    Hop outer(inner.server.endpoint);
    HttpClient client;
    CallContext ctx;
    ClientRequest request{.target = "/ws"};
    request.headers.set("Sec-WebSocket-Protocol", "other, pty");
    auto response = co_await websocket_connect(client, ctx, outer.server.endpoint, std::move(request));
    EXPECT_TRUE(response.has_value()) << response.error().message;
    if (!response) co_return;
    EXPECT_EQ(response->headers.get_or("Sec-WebSocket-Protocol"), "pty");
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    for (size_t size : {0u, 5u, 125u, 126u, 65'535u, 65'536u, 1'000'000u}) {
      auto sent = co_await socket.send_binary(std::string(size, 'w'));
      EXPECT_TRUE(sent);
      auto message = co_await socket.receive(after(Millis(5'000)));
      EXPECT_TRUE(message && message->data == std::string(size, 'w')) << size;
    }
    auto closed = co_await socket.close(1000, "bye");
    EXPECT_TRUE(closed);
    auto last = co_await socket.receive(after(Millis(5'000)));
    EXPECT_TRUE(last && last->kind == WebSocket::Kind::close && last->close_code == 1000);
    co_await outer.server.stop();
    co_await inner.server.stop();
    co_await origin.stop();
  }());
}

}  // namespace
}  // namespace dt
