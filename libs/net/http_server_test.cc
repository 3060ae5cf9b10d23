// Server and client over real sockets.
#include "libs/net/http_server.h"

#include <fcntl.h>

#include "libs/net/http_test_util.h"

namespace dt {
namespace {

using test::count_of;
using test::open;
using test::raw_exchange;
using test::read_until;
using test::run;
using test::TestServer;

Task<Response> echo(Request& request) {
  auto body = co_await request.body->read_all(64 << 20);
  if (!body) co_return Response::text(http_status(body.error().code), body.error().message);
  co_return Response::text(200, request.method + " " + request.path + " " + *body);
}

// Streams the body back while it arrives.
Task<Status> copy(BodyReader& in, BodyWriter& out) { co_return co_await out.write_from(in); }
Task<Response> mirror(Request& request) {
  Response out;
  if (auto length = request.body->length()) out.headers.set("Content-Length", std::to_string(*length));
  out.stream = [&request](BodyWriter& writer) { return copy(*request.body, writer); };
  co_return out;
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  run([]() -> Task<void> {
    TestServer s(echo);
    HttpClient client;
    CallContext ctx;
    for (int i = 0; i < 3; ++i) {
      ClientRequest request{.method = "POST", .target = "/x?y=1"};
      request.body = "hello";
      auto reply = co_await client.call(ctx, s.endpoint, std::move(request));
      EXPECT_TRUE(reply.has_value());
      EXPECT_EQ(reply->status, 200);
      EXPECT_EQ(reply->body, "POST /x hello");
    }
    EXPECT_EQ(s.server.open_connections(), 1u);
    co_await s.stop();
  }());
}

TEST(HttpServer, UnixSocket) {
  run([]() -> Task<void> {
    test::TempDir dir;
    TestServer s(echo, {}, {.host = {}, .port = 0, .unix_path = dir.path / "s.sock"});
    HttpClient client;
    CallContext ctx;
    ClientRequest request{.target = "/u"};
    auto reply = co_await client.call(ctx, s.endpoint, std::move(request));
    EXPECT_EQ(reply->body, "GET /u ");
    co_await s.stop();
    EXPECT_FALSE(std::filesystem::exists(dir.path / "s.sock"));
  }());
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  run([]() -> Task<void> {
    TestServer s(echo);
    std::string all;
    for (int i = 0; i < 50; ++i)
      all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
    all += "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    std::string out = co_await raw_exchange(s.endpoint, all);
    size_t at = 0;
    for (int i = 0; i < 50; ++i) {
      size_t found = out.find("POST /" + std::to_string(i) + " ab", at);
      EXPECT_NE(found, std::string::npos) << i;
      at = found;
    }
    EXPECT_NE(out.find("GET /end", at), std::string::npos);
    EXPECT_EQ(count_of(out, "HTTP/1.1 200 OK"), 51u);
    co_await s.stop();
  }());
}

TEST(HttpServer, EveryByteSplitOfARequestGivesTheSameAnswer) {
  run([]() -> Task<void> {
    TestServer s(echo);
    std::string request =
        "POST /split HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n";
    for (size_t cut = 1; cut < request.size(); ++cut) {
      Stream stream = co_await open(s.endpoint);
      auto first = co_await stream.write_all(request.substr(0, cut));
      co_await Loop::current().yield();
      co_await Loop::current().yield();
      auto second = co_await stream.write_all(request.substr(cut));
      EXPECT_TRUE(first && second);
      std::string out = co_await read_until(stream);
      EXPECT_NE(out.find("POST /split abcdefg"), std::string::npos) << cut;
    }
    co_await s.stop();
  }());
}

struct BadCase {
  const char* request;
  int status;
};

TEST(HttpServer, RefusesMalformedRequestsAndCloses) {
  const BadCase cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\r\nHost: a\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\na", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\nabc\r\n", 400},
  };
  run([](std::span<const BadCase> all) -> Task<void> {
    TestServer s(echo);
    for (const BadCase& c : all) {
      // The second request must never be seen: the connection is closed.
      std::string out = co_await raw_exchange(
          s.endpoint, std::string(c.request) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
      EXPECT_TRUE(out.starts_with("HTTP/1.1 " + std::to_string(c.status))) << c.request << "\n-> " << out;
      EXPECT_EQ(count_of(out, "Content-Length:"), 1u) << c.request << "\n-> " << out;
      EXPECT_EQ(out.find("smuggled"), std::string::npos) << c.request;
      EXPECT_NE(out.find("Connection: close"), std::string::npos);
    }
    co_await s.stop();
  }(cases));
}

TEST(HttpServer, NulAndControlBytesAreRefused) {
  run([]() -> Task<void> {
    TestServer s(echo);
    for (char c : {'\0', '\x01', '\x7f', '\x1b'}) {
      std::string in_value = std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a") + c + "b\r\n\r\n";
      std::string out = co_await raw_exchange(s.endpoint, in_value);
      EXPECT_TRUE(out.starts_with("HTTP/1.1 400")) << static_cast<int>(c);
      std::string in_target = std::string("GET /") + c + " HTTP/1.1\r\nHost: a\r\n\r\n";
      out = co_await raw_exchange(s.endpoint, in_target);
      EXPECT_TRUE(out.starts_with("HTTP/1.1 400")) << static_cast<int>(c);
    }
    co_await s.stop();
  }());
}

TEST(HttpServer, LimitsOfTargetAndHeader) {
  run([]() -> Task<void> {
    HttpLimits limits;
    limits.target_bytes = 1000;
    limits.header_bytes = 2000;
    TestServer s(echo, limits);
    std::string out =
        co_await raw_exchange(s.endpoint, "GET /" + std::string(1001, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 414")) << out;
    out = co_await raw_exchange(s.endpoint, "GET /" + std::string(100'000, 'a'));
    EXPECT_TRUE(out.starts_with("HTTP/1.1 414")) << out;
    out = co_await raw_exchange(s.endpoint, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100'000, 'a'));
    EXPECT_TRUE(out.starts_with("HTTP/1.1 431")) << out;
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 300; ++i) many += "X:1\r\n";
    out = co_await raw_exchange(s.endpoint, many + "\r\n");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 431")) << out;
    co_await s.stop();
  }());
}

TEST(HttpServer, SlowHeaderAndStalledBodyGet408) {
  run([]() -> Task<void> {
    HttpLimits limits;
    limits.header_timeout = Millis(100);
    limits.body_idle_timeout = Millis(100);
    limits.idle_timeout = Millis(100);
    TestServer s(echo, limits);
    std::string out = co_await raw_exchange(s.endpoint, "GET / HTTP/1.1\r\nHos");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 408")) << out;
    out = co_await raw_exchange(s.endpoint, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 408")) << out;
    out = co_await raw_exchange(s.endpoint, "");
    EXPECT_EQ(out, "");
    out = co_await raw_exchange(s.endpoint,
                                "GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // idle keep-alive ends silently
    EXPECT_EQ(count_of(out, "HTTP/1.1"), 1u);
    co_await s.stop();
  }());
}

TEST(HttpServer, ExpectContinue) {
  run([]() -> Task<void> {
    TestServer s(echo);
    Stream stream = co_await open(s.endpoint);
    auto sent = co_await stream.write_all(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: "
        "close\r\n\r\n");
    EXPECT_TRUE(sent);
    std::string out = co_await read_until(stream, "\r\n\r\n");
    EXPECT_EQ(out, "HTTP/1.1 100 Continue\r\n\r\n");
    sent = co_await stream.write_all("abc");
    out = co_await read_until(stream);
    EXPECT_NE(out.find("POST / abc"), std::string::npos);
    co_await s.stop();
  }());
}

TEST(HttpServer, FormsOfTheTarget) {
  run([]() -> Task<void> {
    TestServer s(echo);
    std::string out = co_await raw_exchange(
        s.endpoint,
        "GET http://other:80/abs?x HTTP/1.1\r\nHost: a\r\n\r\nGET http://other HTTP/1.1\r\nHost: a\r\n\r\n"
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /q?labels={\"a\":\"b\"},\xc3\xa9&z=%zz "
        "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(out.find("GET /abs "), std::string::npos);
    EXPECT_NE(out.find("GET / "), std::string::npos);
    EXPECT_NE(out.find("OPTIONS * "), std::string::npos);
    EXPECT_NE(out.find("GET /q "), std::string::npos);
    co_await s.stop();
  }());
}

Task<Response> shapes(Request& request) {
  if (request.path == "/204") co_return Response::empty(204);
  if (request.path == "/empty") co_return Response::empty(200);
  Response out = Response::text(200, "");
  if (request.path == "/evil") {
    out.headers.set("X-Evil", "a\r\nInjected: yes");
    out.headers.set("Bad Name", "x");
    co_return out;
  }
  if (request.path == "/throw") throw std::runtime_error("broken handler");
  if (request.path == "/short") out.headers.set("Content-Length", "100");
  out.stream = [](BodyWriter& writer) -> Task<Status> {
    CO_TRY_VOID(co_await writer.write("one"));
    CO_TRY_VOID(co_await writer.write(""));
    co_return co_await writer.write("two");
  };
  if (request.path == "/fail")
    out.stream = [](BodyWriter& writer) -> Task<Status> {
      CO_TRY_VOID(co_await writer.write("one"));
      co_return fail(Code::io, "disk");
    };
  co_return out;
}

Task<std::string> get(Endpoint to, std::string line, std::string more = "Connection: close\r\n") {
  co_return co_await raw_exchange(to, line + "\r\nHost: a\r\n" + more + "\r\n");
}

TEST(HttpServer, ShapesOfAnswers) {
  run([]() -> Task<void> {
    TestServer s(shapes);
    std::string out = co_await get(s.endpoint, "GET /204 HTTP/1.1");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 204 No Content\r\n"));
    EXPECT_EQ(out.find("Content-Length"), std::string::npos);
    out = co_await get(s.endpoint, "GET /empty HTTP/1.1");
    EXPECT_NE(out.find("Content-Length: 0\r\n"), std::string::npos);
    out = co_await get(s.endpoint, "GET /stream HTTP/1.1");
    EXPECT_TRUE(out.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")) << out;
    EXPECT_NE(out.find("Transfer-Encoding: chunked"), std::string::npos);
    out = co_await get(s.endpoint, "HEAD /stream HTTP/1.1");
    EXPECT_TRUE(out.ends_with("\r\n\r\n")) << out;
    out = co_await get(s.endpoint, "GET /stream HTTP/1.0", "");
    EXPECT_TRUE(out.ends_with("\r\n\r\nonetwo")) << out;
    EXPECT_EQ(out.find("Transfer-Encoding"), std::string::npos);
    out = co_await get(s.endpoint, "GET /fail HTTP/1.1");
    EXPECT_EQ(out.find("0\r\n\r\n"), std::string::npos) << out;
    out = co_await get(s.endpoint, "GET /short HTTP/1.1");
    EXPECT_TRUE(out.ends_with("onetwo")) << out;
    out = co_await get(s.endpoint, "GET /evil HTTP/1.1");
    EXPECT_EQ(out.find("\r\nInjected"), std::string::npos);
    EXPECT_EQ(out.find("Bad Name"), std::string::npos);
    out = co_await get(s.endpoint, "GET /throw HTTP/1.1", "");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 500"));
    out = co_await get(s.endpoint, "GET /empty HTTP/1.1");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 200"));
    co_await s.stop();
  }());
}

TEST(HttpServer, Http10KeepAlive) {
  run([]() -> Task<void> {
    TestServer s(echo);
    std::string out = co_await raw_exchange(
        s.endpoint,
        "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\nGET /c HTTP/1.0\r\n\r\n");
    EXPECT_NE(out.find("Connection: keep-alive"), std::string::npos);
    EXPECT_NE(out.find("GET /b"), std::string::npos);
    EXPECT_EQ(out.find("GET /c"), std::string::npos);
    co_await s.stop();
  }());
}

Task<Response> ignore_body(Request& request) { co_return Response::text(200, "ignored " + request.path); }

TEST(HttpServer, UnreadBodies) {
  run([]() -> Task<void> {
    TestServer s(ignore_body);
    std::string small = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" +
                        std::string(100'000, 'x') + "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    std::string out = co_await raw_exchange(s.endpoint, small);
    EXPECT_NE(out.find("ignored /b"), std::string::npos);
    // Large: answered, then closed, and the client can read the answer although it still sends.
    std::string large =
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x');
    out = co_await raw_exchange(s.endpoint, large);
    EXPECT_NE(out.find("ignored /a"), std::string::npos);
    EXPECT_NE(out.find("Connection: close"), std::string::npos);
    co_await s.stop();
  }());
}

struct Slow {
  Event started;
  bool cancelled = false;
  bool finished = false;
};

Task<Response> slow_handler(Slow& state, Request& request) {
  Event done;
  size_t id = request.ctx.cancel.on_cancel([&] {
    state.cancelled = true;
    done.set();
  });
  state.started.set();
  co_await done.wait(after(Millis(300)));
  request.ctx.cancel.remove(id);
  state.finished = true;
  co_return Response::text(200, "late");
}

TEST(HttpServer, DisconnectCancelsTheRequest) {
  run([]() -> Task<void> {
    Slow state;
    TestServer s([&state](Request& r) { return slow_handler(state, r); });
    {
      Stream stream = co_await open(s.endpoint);
      auto sent = co_await stream.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      EXPECT_TRUE(sent);
      co_await state.started.wait();
    }
    for (int i = 0; i < 50 && !state.finished; ++i) co_await Loop::current().sleep_for(Millis(5));
    EXPECT_TRUE(state.cancelled);
    co_await s.stop();
  }());
}

TEST(HttpServer, DrainLetsRunningRequestsFinish) {
  run([]() -> Task<void> {
    Slow state;
    TestServer s([&state](Request& r) { return slow_handler(state, r); });
    Stream idle = co_await open(s.endpoint);
    Stream busy = co_await open(s.endpoint);
    auto sent = co_await busy.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(sent);
    co_await state.started.wait();
    TaskScope scope("drain");
    scope.spawn(s.server.drain(after(Millis(5'000))));
    std::string nothing = co_await read_until(idle);
    EXPECT_EQ(nothing, "");
    EXPECT_FALSE(state.finished);
    std::string out = co_await read_until(busy);
    EXPECT_NE(out.find("late"), std::string::npos);
    EXPECT_NE(out.find("Connection: close"), std::string::npos);
    EXPECT_FALSE(state.cancelled);
    busy = Stream(Fd());
    co_await scope.join();
    EXPECT_EQ(s.server.open_connections(), 0u);
    co_await s.scope.join();
  }());
}

TEST(HttpServer, DrainDeadlineCancels) {
  run([]() -> Task<void> {
    Slow state;
    TestServer s([&state](Request& r) { return slow_handler(state, r); });
    Stream busy = co_await open(s.endpoint);
    auto sent = co_await busy.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(sent);
    co_await state.started.wait();
    co_await s.server.drain(after(Millis(20)));
    EXPECT_TRUE(state.cancelled);
    EXPECT_EQ(s.server.open_connections(), 0u);
    co_await s.scope.join();
  }());
}

TEST(HttpServer, ConnectionLimitQueues) {
  run([]() -> Task<void> {
    HttpLimits limits;
    limits.connections = 2;
    TestServer s(echo, limits);
    auto a = std::make_unique<Stream>(co_await open(s.endpoint));
    Stream b = co_await open(s.endpoint);
    Stream c = co_await open(s.endpoint);
    auto sent = co_await c.write_all("GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(sent);
    co_await Loop::current().sleep_for(Millis(30));
    EXPECT_EQ(s.server.open_connections(), 2u);
    a.reset();
    std::string out = co_await read_until(c);
    EXPECT_NE(out.find("GET /c"), std::string::npos);
    co_await s.stop();
  }());
}

TEST(HttpServer, BigBodiesBothWays) {
  run([]() -> Task<void> {
    TestServer s(mirror);
    HttpClient client;
    CallContext ctx;
    for (size_t size : {0u, 1u, 65'535u, 65'536u, 5'000'000u}) {
      std::string body(size, 'b');
      for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i % 23);
      ClientRequest request{.method = "PUT", .target = "/m"};
      request.body = body;
      // Mirrored while it arrives: the answer is read while the body is still sent.
      std::vector<std::string> pieces;
      for (size_t at = 0; at < size; at += 100'000) pieces.push_back(body.substr(at, 100'000));
      test::PieceReader reader(std::move(pieces));
      ClientRequest streamed{.method = "PUT", .target = "/m"};
      streamed.body_reader = &reader;
      streamed.duplex = true;
      auto response = co_await client.send(ctx, s.endpoint, std::move(streamed));
      EXPECT_TRUE(response.has_value());
      if (!response) continue;
      auto back = co_await response->body().read_all(64 << 20);
      EXPECT_TRUE(back.has_value());
      EXPECT_TRUE(*back == body) << size;
    }
    co_await s.stop();
  }());
}

Task<Response> send_a_file(int fd, uint64_t size, Request&) {
  Response out;
  out.headers.set("Content-Length", std::to_string(size));
  out.stream = [fd, size](BodyWriter& writer) { return writer.send_file(fd, 0, size); };
  co_return out;
}

TEST(HttpServer, SendsFiles) {
  run([]() -> Task<void> {
    test::TempDir dir;
    std::string content(3'000'000, 'f');
    for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
    std::string path = dir.path / "f";
    EXPECT_TRUE(write_file_atomic(path, content));
    auto fd = open_file(path.c_str(), O_RDONLY);
    TestServer s([&](Request& r) { return send_a_file(fd->get(), content.size(), r); });
    HttpClient client;
    CallContext ctx;
    auto reply = co_await client.call(ctx, s.endpoint, ClientRequest{});
    EXPECT_TRUE(reply && reply->body == content);
    co_await s.stop();
  }());
}

Task<void> shout(Stream& stream, std::string buffered) {
  auto sent = co_await stream.write_all("[" + buffered + "]");
  (void)sent;
}

TEST(HttpServer, Upgrade) {
  run([]() -> Task<void> {
    TestServer s([](Request&) -> Task<Response> {
      Response out{.status = 101};
      out.headers.set("Connection", "Upgrade");
      out.headers.set("Upgrade", "shout");
      out.upgrade = shout;
      co_return out;
    });
    std::string out = co_await raw_exchange(
        s.endpoint, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nraw bytes");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_TRUE(out.ends_with("\r\n\r\n[raw bytes]")) << out;
    co_await s.stop();
  }());
}

TEST(HttpServer, RequestIds) {
  run([]() -> Task<void> {
    TestServer s(
        [](Request& r) -> Task<Response> { co_return Response::text(200, "id=" + r.ctx.request_id); });
    std::string out =
        co_await get(s.endpoint, "GET / HTTP/1.1", "X-Request-Id: abc-1\r\nConnection: close\r\n");
    EXPECT_TRUE(out.ends_with("id=abc-1"));
    out = co_await get(s.endpoint, "GET / HTTP/1.1", "X-Request-Id: a b\r\nConnection: close\r\n");
    EXPECT_FALSE(out.ends_with("id=a b"));
    EXPECT_FALSE(out.ends_with("id="));
    co_await s.stop();
  }());
}

}  // namespace
}  // namespace dt
