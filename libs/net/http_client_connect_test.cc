// Connections that a client does not make itself.
#include "libs/net/http_test_util.h"

namespace dt {
namespace {

Task<Response> hello(Request&) { co_return Response::text(200, "hello"); }

Task<void> made_elsewhere() {
  test::TestServer server(hello);
  int made = 0;
  Endpoint real = server.endpoint;
  HttpClient client(HttpClient::Options{.connect = [&made, real](const Endpoint&, Mono deadline) {
    ++made;
    return connect(real, deadline);
  }});
  CallContext ctx;
  Endpoint name{.host = {}, .port = 0, .unix_path = "a name that only the function understands"};
  Status ready = co_await client.prepare(ctx, name);
  EXPECT_TRUE(ready);
  Status again = co_await client.prepare(ctx, name);
  EXPECT_TRUE(again);
  ClientRequest request;
  request.method = "POST";
  request.body = "x";
  auto reply = co_await client.call(ctx, name, std::move(request));
  EXPECT_TRUE(reply && reply->body == "hello");
  EXPECT_EQ(made, 1);
}

Task<void> not_made() {
  HttpClient client(HttpClient::Options{.connect = [](const Endpoint&, Mono) -> Task<Result<Stream>> {
    co_return fail(Code::unavailable, "nobody there");
  }});
  CallContext ctx;
  Status ready = co_await client.prepare(ctx, Endpoint{.host = {}, .port = 0, .unix_path = "x"});
  EXPECT_FALSE(ready);
}

}  // namespace

TEST(HttpClientConnect, PreparedConnectionServesTheRequest) { test::run(made_elsewhere()); }
TEST(HttpClientConnect, FailureIsKnownBeforeTheRequestIsGivenAway) { test::run(not_made()); }

}  // namespace dt
