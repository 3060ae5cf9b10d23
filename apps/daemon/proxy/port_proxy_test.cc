// Programs that listen inside the sandbox, reached through the real daemon.
#include "apps/daemon/proxy/port_path.h"
#include "apps/daemon/testing.h"
#include "libs/net/http_server.h"
#include "libs/net/websocket.h"

namespace dt::daemon {
namespace {

// What runs in the sandbox: a server on a free port of one address.
struct App {
  HttpServer server;
  Listener listener;
  uint16_t port;
  TaskScope scope{"app"};

  explicit App(Handler handler, Endpoint at = {.host = "127.0.0.1", .port = 0, .unix_path = {}})
      : server(std::move(handler)), listener(std::move(*Listener::bind(at))), port(listener.port()) {
    scope.spawn(server.serve(listener));
  }
  Task<void> stop() {
    co_await server.drain(after(Millis(0)));
    co_await scope.join();
  }
};

Task<Response> show(Request& request) {
  auto body = co_await request.body->read_all(1 << 20);
  std::string text = request.method + " " + request.target + "\n";
  for (const auto& [name, value] : request.headers.all()) text += name + ": " + value + "\n";
  Response out = Response::text(200, text + "\n" + body.value_or("error"));
  out.headers.set("X-Method", request.method);
  out.headers.add("Set-Cookie", "a=1");
  out.headers.add("Set-Cookie", "b=2");
  co_return out;
}

std::string below(const App& app, std::string_view rest) {
  return "/proxy/" + std::to_string(app.port) + std::string(rest);
}

class PortProxyTest : public DaemonTest {
 public:
  // Starts the app on the loop, runs the body, stops the app.
  template <class Body>
  void with_app(Handler handler, Body body, Endpoint at = {.host = "127.0.0.1", .port = 0, .unix_path = {}}) {
    std::unique_ptr<App> app;
    loop_.run_until(start(app, std::move(handler), std::move(at)));
    body(*app);
    loop_.run_until(app->stop());
  }

 private:
  static Task<void> start(std::unique_ptr<App>& app, Handler handler, Endpoint at) {
    app = std::make_unique<App>(std::move(handler), std::move(at));
    co_return;
  }
};

TEST(PortPath, PortsAndRests) {
  struct Case {
    const char* path;
    int port;  // 0: refused
    const char* rest;
  };
  for (const Case& c : {Case{"/proxy/3000", 3000, "/"}, Case{"/proxy/3000/", 3000, "/"},
                        Case{"/proxy/1/a%2Fb//", 1, "/a%2Fb//"}, Case{"/proxy/65535/%zz", 65535, "/%zz"},
                        Case{"/proxy/65536/", 0, ""}, Case{"/proxy/0/", 0, ""}, Case{"/proxy/080/", 0, ""},
                        Case{"/proxy/+80/", 0, ""}, Case{"/proxy/-1/", 0, ""}, Case{"/proxy/8080x/", 0, ""},
                        Case{"/proxy/%38080/", 0, ""}, Case{"/proxy//", 0, ""}, Case{"/proxy/", 0, ""},
                        Case{"/proxy/99999999999999999999/", 0, ""}}) {
    ASSERT_TRUE(is_port_path(c.path));
    auto parsed = parse_port_path(c.path);
    EXPECT_EQ(parsed.has_value(), c.port != 0) << c.path;
    if (!parsed) continue;
    EXPECT_EQ(parsed->port, c.port) << c.path;
    EXPECT_EQ(parsed->rest, c.rest) << c.path;
  }
  EXPECT_FALSE(is_port_path("/proxy"));
  EXPECT_FALSE(is_port_path("/proxies/80"));
}

TEST_F(PortProxyTest, PathsQueriesAndHeadersGoOnAsTheyCame) {
  with_app(show, [this](App& app) {
    Headers sent;
    sent.set("Host", "3000-abc.example");
    sent.set("X-Kept", "yes");
    sent.set("X-Forwarded-For", "192.0.2.7");
    sent.set("Authorization", "Bearer of-the-app");
    for (const char* rest :
         {"/", "/a%2Fb/%C3%A9/..%2f/;x=1//", "/100%", "/%00", "/?", "/?b=%20&a=+&a", "?x"}) {
      Reply r = call("GET", below(app, rest), "", sent);
      EXPECT_EQ(r.status, 200) << rest;
      std::string wanted = rest[0] == '/' ? rest : "/" + std::string(rest);
      EXPECT_TRUE(r.body.starts_with("GET " + wanted + "\n")) << r.body;
      EXPECT_NE(r.body.find("Host: localhost:" + std::to_string(app.port) + "\n"), std::string::npos);
      for (const char* line : {"X-Kept: yes\n", "X-Forwarded-For: 192.0.2.7\n", "Bearer of-the-app\n",
                               "X-Forwarded-Host: 3000-abc.example\n"})
        EXPECT_NE(r.body.find(line), std::string::npos) << line << r.body;
      EXPECT_EQ(r.headers.count("Set-Cookie"), 2u);
    }
  });
}

TEST_F(PortProxyTest, EveryMethod) {
  with_app(show, [this](App& app) {
    for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}) {
      Reply r = call(method, below(app, "/x"), "the body");
      EXPECT_TRUE(r.body.starts_with(std::string(method) + " /x\n")) << r.body;
      EXPECT_TRUE(r.body.ends_with("\nthe body")) << r.body;
    }
    Reply head = call("HEAD", below(app, "/x"));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.get_or("X-Method"), "HEAD");
    EXPECT_EQ(head.body, "");
  });
}

TEST_F(PortProxyTest, TheProgramsOwnErrorsAndRequestIdPassThrough) {
  Handler missing = [](Request&) -> Task<Response> {
    Response out = Response::text(404, "the app's own 404");
    out.headers.set("X-Request-Id", "the app's");
    co_return out;
  };
  with_app(missing, [this](App& app) {
    Reply r = get(below(app, "/none"));
    EXPECT_EQ(r.status, 404);
    EXPECT_EQ(r.body, "the app's own 404");
    EXPECT_EQ(r.headers.get_or("X-Request-Id"), "the app's");
    EXPECT_EQ(r.headers.count("X-Request-Id"), 1u);
  });
}

TEST_F(PortProxyTest, BothFamiliesOfLocalhost) {
  for (const char* address : {"127.0.0.1", "::1", "0.0.0.0", "::"})
    with_app(show, [&](App& app) { EXPECT_EQ(get(below(app, "/")).status, 200) << address; },
             {.host = address, .port = 0, .unix_path = {}});
}

TEST_F(PortProxyTest, NothingListens) {
  uint16_t free = 0;
  with_app(show, [&](App& app) { free = app.port; });
  for (const char* method : {"GET", "POST", "HEAD"}) {
    Reply r = call(method, "/proxy/" + std::to_string(free) + "/x", "body");
    EXPECT_EQ(r.status, 502) << method;
    if (std::string_view(method) == "HEAD") continue;
    EXPECT_EQ(member(r, "message"), "nothing listens on port " + std::to_string(free) + " in the sandbox");
    EXPECT_EQ(member(r, "code"), "BAD_GATEWAY");
    EXPECT_EQ(member(r, "source"), "DAYTONA_DAEMON");
  }
  for (const char* path : {"/proxy/0/", "/proxy/65536", "/proxy/http/", "/proxy/080/"}) {
    Reply r = get(path);
    EXPECT_EQ(r.status, 400) << path;
    EXPECT_TRUE(member(r, "message").starts_with("bad request: failed to parse target URL: ")) << r.body;
  }
}

TEST_F(PortProxyTest, AnUpgradeThatNobodyAskedForIsRefused) {
  Handler liar = [](Request&) -> Task<Response> {
    Response out;
    out.status = 101;
    out.upgrade = [](Stream& s, std::string) -> Task<void> {
      s.abort();
      co_return;
    };
    co_return out;
  };
  with_app(liar, [this](App& app) {
    Reply r = get(below(app, "/"));
    EXPECT_EQ(r.status, 502);
  });
  EXPECT_EQ(get("/version").status, 200);
}

TEST_F(PortProxyTest, ConnectionsAreKeptAndReplacedWhenTheProgramRestarts) {
  with_app(show, [&](App& first) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(get(below(first, "/")).status, 200);
    EXPECT_EQ(first.server.open_connections(), 1u);
    // The same port again: the kept connection is of the old program.
    loop_.run_until(first.stop());
    Endpoint same{.host = "127.0.0.1", .port = first.port, .unix_path = {}};
    with_app(show, [&](App& second) { EXPECT_EQ(call("POST", below(second, "/"), "x").status, 200); }, same);
  });
}

Task<Response> mirror(Request& request) {
  Response out;
  if (auto length = request.body->length()) out.headers.set("Content-Length", std::to_string(*length));
  out.stream = [&request](BodyWriter& writer) { return writer.write_from(*request.body); };
  co_return out;
}

class Pattern final : public BodyReader {
 public:
  Pattern(uint64_t size, bool known) : left_(size), size_(size), known_(known), piece_(50'000, 'p') {}
  Task<Result<std::string_view>> next() override {
    size_t n = std::min<uint64_t>(left_, piece_.size());
    left_ -= n;
    co_return std::string_view(piece_).substr(0, n);
  }
  std::optional<uint64_t> length() const override { return known_ ? std::optional(size_) : std::nullopt; }

 private:
  uint64_t left_, size_;
  bool known_;
  std::string piece_;
};

Task<uint64_t> there_and_back(HttpClient& client, Endpoint to, std::string target, uint64_t size,
                              bool known) {
  Pattern pattern(size, known);
  ClientRequest request{.method = "PUT", .target = std::move(target)};
  request.body_reader = &pattern;
  request.duplex = true;
  auto response = co_await client.send(CallContext(), to, std::move(request));
  uint64_t got = 0;
  while (response) {
    auto piece = co_await response->body().next();
    if (!piece || piece->empty()) break;
    if (piece->find_first_not_of('p') != std::string_view::npos) break;
    got += piece->size();
  }
  co_return got;
}

TEST_F(PortProxyTest, LargeBodiesBothWaysAtOnce) {
  with_app(mirror, [this](App& app) {
    for (bool known : {true, false}) {
      uint64_t size = known ? 64u << 20 : 16u << 20;
      EXPECT_EQ(loop_.run_until(there_and_back(client_, endpoint_, below(app, "/m"), size, known)), size);
    }
  });
}

Task<void> first_piece_before_the_second_is_made(HttpClient& client, Endpoint to, std::string target,
                                                 Event& go) {
  auto response = co_await client.send(CallContext(), to, {.target = std::move(target)});
  CHECK(response.has_value());
  auto piece = co_await response->body().next();
  EXPECT_EQ(piece.value_or("none"), "data: 1\n\n");
  go.set();
  piece = co_await response->body().next();
  EXPECT_EQ(piece.value_or("none"), "data: 2\n\n");
}

TEST_F(PortProxyTest, StreamsAreNotHeldBack) {
  Event go;
  Handler events = [&go](Request&) -> Task<Response> {
    Response out;
    out.stream = [&go](BodyWriter& writer) -> Task<Status> {
      auto sent = co_await writer.write("data: 1\n\n");
      if (!sent) co_return sent;
      co_await go.wait();
      co_return co_await writer.write("data: 2\n\n");
    };
    co_return out;
  };
  with_app(events, [&](App& app) {
    loop_.run_until(first_piece_before_the_second_is_made(client_, endpoint_, below(app, "/sse"), go));
  });
}

Task<void> echo(WebSocket& socket) {
  for (;;) {
    auto message = co_await socket.receive();
    if (!message || message->kind == WebSocket::Kind::close) co_return;
    auto sent = co_await socket.send_text("echo " + message->data);
    if (!sent) co_return;
  }
}

Task<Response> echo_server(Request& request) {
  auto response = websocket_response(request, choose_protocol(request, {"chat"}), echo);
  co_return response ? std::move(*response) : Response::text(400, response.error().message);
}

Task<void> talk(HttpClient& client, Endpoint to, std::string target) {
  ClientRequest request{.target = std::move(target)};
  request.headers.set("Sec-WebSocket-Protocol", "chat");
  auto response = co_await websocket_connect(client, CallContext(), to, std::move(request));
  EXPECT_TRUE(response.has_value()) << response.error().message;
  if (!response) co_return;
  EXPECT_EQ(response->headers.get_or("Sec-WebSocket-Protocol"), "chat");
  WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
  for (std::string text : {std::string("hi"), std::string(100'000, 'x')}) {
    auto sent = co_await socket.send_text(text);
    EXPECT_TRUE(sent.has_value());
    auto message = co_await socket.receive();
    EXPECT_EQ(message->data, "echo " + text);
  }
  auto closed = co_await socket.close(4321, "bye");
  EXPECT_TRUE(closed.has_value());
  auto last = co_await socket.receive();
  EXPECT_EQ(last->close_code, 4321);
}

TEST_F(PortProxyTest, WebSocketsPass) {
  with_app(echo_server, [this](App& app) {
    loop_.run_until(talk(client_, endpoint_, below(app, "/ws?a=1")));
    EXPECT_EQ(get(below(app, "/ws")).status, 400);
  });
}

TEST_F(PortProxyTest, TheDaemonsOwnPortIsTheToolbox) {
  EXPECT_EQ(get("/proxy/2280/version").body, get("/version").body);
  EXPECT_EQ(get("/proxy/2280/proxy/2280//version").body, "404 page not found");
  EXPECT_EQ(get("/proxy/2280/proxy/2280/version").body, get("/version").body);
  EXPECT_EQ(get("/proxy/2280/files/info?path=.").body, get("/files/info?path=.").body);
  EXPECT_EQ(call("HEAD", "/proxy/2280/version").status, 404);
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += "/proxy/2280";
  EXPECT_EQ(get(nested + "/version").status, 200);
}

}  // namespace
}  // namespace dt::daemon
