#include "apps/api/notifications/socket_io.h"

#include <gtest/gtest.h>

#include "libs/net/http_client.h"
#include "libs/net/http_server.h"

namespace dt::api {
namespace {

// The gateway behind a real server; the stages around it are tested elsewhere.
struct SocketIoTest : testing::Test {
  EventHub hub;
  Loop loop;
  SocketIo::Options options{.ping_interval = Millis(100),
                            .ping_timeout = Millis(100),
                            .connect_timeout = Millis(1'000),
                            .max_queued = 64 << 10};
  std::unique_ptr<SocketIo> gateway;
  std::vector<ApiRoute> routes;
  std::unique_ptr<HttpServer> server;
  std::optional<Listener> listener;
  HttpClient client;

  void SetUp() override {
    auto authenticate = [](std::string_view token) -> Result<std::shared_ptr<const Principal>> {
      if (token == "proxy") return std::make_shared<Principal>(Principal{.role = Role::proxy});
      if (!token.starts_with("key-")) return fail(Code::unauthorized, "Invalid credentials");
      return std::make_shared<Principal>(
          Principal{.role = Role::user, .organization = OrganizationId(std::string(token.substr(4)))});
    };
    gateway = std::make_unique<SocketIo>(hub, authenticate, options);
    routes = gateway->table();
    server = std::make_unique<HttpServer>([this](Request& request) { return answer(*this, request); });
    auto bound = Listener::bind({.host = "127.0.0.1", .port = 0, .unix_path = {}});
    ASSERT_TRUE(bound);
    listener.emplace(std::move(*bound));
  }
  static Task<Response> answer(SocketIoTest& test, Request& request) {
    boost::json::value none;
    Principal nobody;
    Call call{.ctx = request.ctx, .who = nobody, .request = request, .json = none, .body = {}};
    auto response = test.routes[0].now(call);
    co_return response ? std::move(*response) : Response::empty(http_status(response.error().code));
  }
  // Runs `body` beside the server.
  void run(std::function<Task<void>(SocketIoTest&)> body) {
    auto all = [](SocketIoTest& test, std::function<Task<void>(SocketIoTest&)> b) -> Task<void> {
      TaskScope scope("server");
      scope.spawn(test.server->serve(*test.listener));
      co_await b(test);
      test.gateway->close();
      co_await test.server->drain(after(Millis(500)));
      co_await scope.join();
    };
    loop.run_until(all(*this, std::move(body)));
  }
  Task<Result<ClientResponse>> open(std::string query = "EIO=4&transport=websocket") {
    CallContext ctx{.request_id = "t", .deadline = after(std::chrono::seconds(5)), .cancel = {}};
    ClientRequest request{.method = "GET", .target = "/api/socket.io/?" + query, .headers = {}, .body = {}};
    Endpoint to{.host = "127.0.0.1", .port = listener->port(), .unix_path = {}};
    auto response = co_await websocket_connect(client, ctx, to, std::move(request));
    co_return std::move(response);
  }
  // The next packet that is not a ping.
  static Task<std::string> next(WebSocket& socket) {
    for (;;) {
      auto message = co_await socket.receive(after(std::chrono::seconds(5)));
      if (!message) co_return "(" + message.error().message + ")";
      if (message->kind == WebSocket::Kind::close) co_return "(close)";
      if (message->data != "2") co_return message->data;
      auto ponged = co_await socket.send_text("3");
      if (!ponged) co_return "(cannot answer)";
    }
  }
  static Task<std::string> say(WebSocket& socket, std::string packet) {
    auto sent = co_await socket.send_text(packet);
    EXPECT_TRUE(sent);
    auto answer = co_await next(socket);
    co_return answer;
  }
};

TEST_F(SocketIoTest, AClientWithAKeyHearsItsOrganization) {
  run([](SocketIoTest& t) -> Task<void> {
    auto response = co_await t.open();
    if (!response) co_return ADD_FAILURE() << response.error().message;
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    auto opened = co_await next(socket);
    EXPECT_TRUE(opened.starts_with("0{\"sid\":\"")) << opened;
    EXPECT_TRUE(
        opened.ends_with(R"("upgrades":[],"pingInterval":100,"pingTimeout":100,"maxPayload":1000000})"))
        << opened;
    auto connected = co_await say(socket, R"(40{"token":"key-one"})");
    EXPECT_TRUE(connected.starts_with("40{\"sid\":")) << connected;
    t.hub.publish(OrganizationId("two"), "sandbox.created", "{}");
    t.hub.publish(OrganizationId("one"), "sandbox.state.updated", R"({"newState":"started"})");
    auto event = co_await next(socket);
    EXPECT_EQ(event, R"(42["sandbox.state.updated",{"newState":"started"}])");
    // Stays as long as it answers pings.
    co_await Loop::current().sleep_for(Millis(150));
    t.hub.publish(OrganizationId("one"), "a", "1");
    auto later = co_await next(socket);
    EXPECT_EQ(later, R"(42["a",1])");
    co_await socket.close(1000);
  });
  EXPECT_FALSE(hub.has_listeners(OrganizationId("one")));
}

TEST_F(SocketIoTest, BadTokensAndNamespacesAreRefused) {
  run([](SocketIoTest& t) -> Task<void> {
    auto response = co_await t.open();
    if (!response) co_return ADD_FAILURE() << response.error().message;
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    auto opened = co_await next(socket);
    for (const char* packet : {R"(40{"token":"nope"})", "40", R"(40{"token":"proxy"})"}) {
      auto refused = co_await say(socket, packet);
      EXPECT_EQ(refused, R"(44{"message":"Unauthorized"})") << packet;
    }
    auto other = co_await say(socket, R"(40/admin,{"token":"key-one"})");
    EXPECT_EQ(other, R"(44/admin,{"message":"Invalid namespace"})");
    EXPECT_FALSE(t.hub.has_listeners(OrganizationId("one")));
    co_await socket.close(1000);
  });
}

TEST_F(SocketIoTest, AClientThatIsSilentIsDropped) {
  run([](SocketIoTest& t) -> Task<void> {
    auto response = co_await t.open();
    if (!response) co_return ADD_FAILURE() << response.error().message;
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    for (bool open = true; open;) {
      auto message = co_await socket.receive(after(std::chrono::seconds(5)));
      open = message && message->kind != WebSocket::Kind::close;
      EXPECT_TRUE(message) << message.error().message;
    }
  });
  EXPECT_EQ(gateway->clients(), 0u);
}

TEST_F(SocketIoTest, AClientThatDoesNotReadCostsBoundedMemory) {
  run([](SocketIoTest& t) -> Task<void> {
    auto response = co_await t.open();
    if (!response) co_return ADD_FAILURE() << response.error().message;
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    auto opened = co_await next(socket);
    auto connected = co_await say(socket, R"(40{"token":"key-one"})");
    EXPECT_TRUE(connected.starts_with("40"));
    std::string payload = "\"" + std::string(32'000, 'x') + "\"";
    for (int i = 0; i < 2000 && t.hub.has_listeners(OrganizationId("one")); ++i) {
      t.hub.publish(OrganizationId("one"), "big", payload);
      co_await Loop::current().yield();
    }
    EXPECT_FALSE(t.hub.has_listeners(OrganizationId("one")));
  });
}

TEST_F(SocketIoTest, PollingIsToldThatItIsNotSpoken) {
  run([](SocketIoTest& t) -> Task<void> {
    CallContext ctx{.request_id = "t", .deadline = after(std::chrono::seconds(5)), .cancel = {}};
    ClientRequest request{
        .method = "GET", .target = "/api/socket.io/?EIO=4&transport=polling", .headers = {}, .body = {}};
    Endpoint to{.host = "127.0.0.1", .port = t.listener->port(), .unix_path = {}};
    auto reply = co_await t.client.call(ctx, to, std::move(request));
    if (!reply) co_return ADD_FAILURE() << reply.error().message;
    EXPECT_EQ(reply->status, 400);
    EXPECT_EQ(reply->body, R"({"code":0,"message":"Transport unknown"})");
  });
}

}  // namespace
}  // namespace dt::api
