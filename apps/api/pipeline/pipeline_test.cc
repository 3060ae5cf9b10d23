#include "apps/api/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "apps/api/migrations/migrations.h"
#include "apps/api/pipeline/query.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

struct Body {
  std::string name;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(Body, (), (name, count))

struct Feature {
  Result<Body> get(Call& call) { return Body{std::string(call.param("id")), 1}; }
  Task<Result<NoContent>> post(Call&, Body body) {
    if (body.name == "throw") throw std::runtime_error("a bug");
    if (body.name == "secret") co_return fail(Code::internal, "/etc/secret: no");
    if (body.name == "full") co_return fail(Code::insufficient_storage, "disk full");
    co_return NoContent{};
  }
  Result<PlainText> deadline(Call& call) { return PlainText{call.ctx.deadline == kNever ? "never" : "set"}; }
  Result<PlainText> raw(Call& call) { return PlainText{std::string(call.body)}; }
};

struct TextBody final : BodyReader {
  std::string text;
  explicit TextBody(std::string t) : text(std::move(t)) {}
  Task<Result<std::string_view>> next() override {
    sent = std::exchange(text, "");
    co_return std::string_view(sent);
  }
  std::optional<uint64_t> length() const override { return text.size(); }
  std::string sent;
};

struct PipelineTest : testing::Test {
  std::string path = testing::TempDir() + "pipeline-" + random_token(8) + ".db";
  ApiConfig config;
  FakeClock clock;
  std::unique_ptr<store::Database> db;
  std::unique_ptr<Authenticator> authenticator;
  Feature feature;
  Loop loop;
  std::unique_ptr<Pipeline> pipeline;

  PipelineTest() {
    config.log_requests = false;
    config.proxy_api_key = Secret("proxy");
    auto opened = store::Database::open({.path = path, .migrations = migrations()});
    db = std::move(*opened);
    authenticator = std::make_unique<Authenticator>(*db, clock, config);
    std::vector<ApiRoute> routes = {
        route({"GET", "/things/{id}", kPublic}, &feature, &Feature::get),
        route({"POST", "/things", only({Role::proxy}), 204}, &feature, &Feature::post),
        route({"POST", "/users-only", user_with(Permission::write_sandboxes)}, &feature, &Feature::raw),
        route({"GET", "/admins", admin_only}, &feature, &Feature::raw),
        route({"GET", "/deadline", kPublic}, &feature, &Feature::deadline),
        route({"POST", "/raw", kPublic, 200, BodyKind::raw}, &feature, &Feature::raw),
    };
    pipeline = std::make_unique<Pipeline>(config, clock, *authenticator, std::move(routes));
  }
  ~PipelineTest() override {
    db.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  }

  Response send(std::string method, std::string target, std::string body = {}, std::string bearer = {}) {
    Request request;
    request.method = std::move(method);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    request.ctx.request_id = "r1";
    if (!body.empty()) request.headers.set("Content-Length", std::to_string(body.size()));
    if (!bearer.empty()) request.headers.set("Authorization", "bearer " + bearer);
    TextBody reader(std::move(body));
    request.body = &reader;
    return loop.run_until(pipeline->handle(request));
  }
};

TEST_F(PipelineTest, StagesRunInTheOrderOfTheContract) {
  std::vector<std::string_view> expected = {"request id", "access log",     "version header", "deadline",
                                            "cors",       "error mapping",  "route",          "body",
                                            "json",       "authentication", "authorization",  "handler"};
  EXPECT_EQ(pipeline->stage_names(), expected);
}

TEST_F(PipelineTest, AnAnswerCarriesWhatTheStagesAdd) {
  auto reply = send("GET", "/api/things/a%2Fb");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"name":"a/b","count":1})");
  EXPECT_EQ(reply.headers.get_or("x-request-id"), "r1");
  EXPECT_EQ(reply.headers.get_or("x-daytona-api-version"), config.version);
  EXPECT_EQ(reply.headers.get_or("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(send("GET", "/api/deadline").body, "set");
  EXPECT_EQ(send("HEAD", "/api/things/x").status, 200);
  EXPECT_EQ(send("GET", "/API/Things/X").body, R"({"name":"X","count":1})");
}

TEST_F(PipelineTest, TheFirstFailureDecides) {
  EXPECT_EQ(send("POST", "/api/nothing", "{broken").status, 404);            // route before body
  EXPECT_EQ(send("POST", "/api/things", "{broken").status, 400);             // body before credentials
  EXPECT_EQ(send("POST", "/api/things", R"({"count":"x"})").status, 401);    // credentials before validation
  EXPECT_EQ(send("POST", "/api/users-only", R"({})", "proxy").status, 403);  // permission before the handler
  EXPECT_EQ(send("POST", "/api/things", R"({"count":"x"})", "proxy").status, 400);
  EXPECT_EQ(send("POST", "/api/things", R"({"name":"a","count":2})", "proxy").status, 204);
}

TEST_F(PipelineTest, ErrorsOfOursAreNotShown) {
  auto reply = send("POST", "/api/things?x=%22", R"({"name":"secret","count":1})", "proxy");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "{\"path\":\"/api/things?x=%22\",\"timestamp\":\"" + iso8601(clock.wall()) +
                            "\",\"statusCode\":500,\"error\":\"Internal Server Error\",\"message\":\"An "
                            "unexpected error occurred.\","
                            "\"code\":\"INTERNAL_SERVER_ERROR\",\"source\":\"DAYTONA_API\"}");
  auto thrown = send("POST", "/api/things", R"({"name":"throw","count":1})", "proxy");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("a bug"), std::string::npos);
  auto full = send("POST", "/api/things", R"({"name":"full","count":1})", "proxy");
  EXPECT_EQ(full.status, 507);
  EXPECT_NE(full.body.find("disk full"), std::string::npos);
}

TEST_F(PipelineTest, RawBodiesAreNotParsed) {
  EXPECT_EQ(send("POST", "/api/raw", "{broken").body, "{broken");
}

TEST_F(PipelineTest, QueryValues) {
  Violations violations;
  auto query = Query::parse("n=5&bad=x&big=9&flag=true&no=1&e=c");
  ASSERT_TRUE(query);
  IntRange range{.fallback = 1, .min = 1, .max = 8};
  EXPECT_EQ(query_int(*query, "n", range, violations), 5);
  EXPECT_EQ(query_int(*query, "absent", range, violations), 1);
  query_int(*query, "bad", range, violations);
  query_int(*query, "big", range, violations);
  query_enum(*query, "e", "a", {"a", "b"}, violations);
  EXPECT_EQ(violations.joined(),
            "bad must be an integer number, big must not be greater than 8, e must be one of the following "
            "values: a, b");
  EXPECT_EQ(query_bool(*query, "flag"), true);
  EXPECT_EQ(query_bool(*query, "no"), false);
  EXPECT_EQ(query_bool(*query, "absent"), std::nullopt);
}

TEST(Permissions, Names) {
  EXPECT_EQ(parse_permission("write:sandboxes"), Permission::write_sandboxes);
  EXPECT_EQ(wire_name(Permission::read_audit_logs), "read:audit_logs");
  EXPECT_FALSE(parse_permission("fly"));
  EXPECT_EQ(Permissions::all().wire_names().size(), kPermissionCount);
}

}  // namespace
}  // namespace dt::api
