// The service as clients see it: one process, real records, real sockets.
#include <boost/json.hpp>

#include "apps/api/testing/api_fixture.h"
#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::api {
namespace {

namespace bj = boost::json;

bj::value parse(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : bj::value();
}

std::string text_of(const bj::value& object, std::string_view key) {
  const auto* value = object.is_object() ? object.get_object().if_contains(key) : nullptr;
  return value && value->is_string() ? std::string(value->get_string()) : std::string("(none)");
}

void expect_error(const HttpClient::Reply& reply, int status, std::string_view message) {
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_EQ(reply.headers.get_or("content-type"), "application/json; charset=utf-8");
  auto body = parse(reply.body);
  EXPECT_EQ(text_of(body, "message"), message);
  EXPECT_EQ(text_of(body, "source"), "DAYTONA_API");
  EXPECT_NE(text_of(body, "error"), "(none)");
  EXPECT_NE(text_of(body, "code"), "(none)");
  EXPECT_EQ(body.at("statusCode").to_number<int>(), status);
}

class ApiTest : public ApiFixture {
 protected:
  void SetUp() override { start(); }
};

TEST_F(ApiTest, ConfigIsPublicAndHasEveryRequiredKey) {
  auto reply = call("GET", "/api/config", {}, "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get_or("x-daytona-api-version"), DT_VERSION);
  EXPECT_FALSE(reply.headers.get_or("x-request-id").empty());
  auto body = parse(reply.body).as_object();
  for (const char* key : {"version", "oidc", "linkedAccountsEnabled", "announcements", "proxyTemplateUrl",
                          "proxyToolboxUrl", "defaultSnapshot", "dashboardUrl", "maxAutoArchiveInterval",
                          "maintananceMode", "environment", "rateLimit"})
    EXPECT_TRUE(body.contains(key)) << key;
  EXPECT_EQ(text_of(body, "proxyToolboxUrl"), "http://localhost:4000/toolbox");
}

TEST_F(ApiTest, Health) {
  EXPECT_EQ(call("GET", "/api/health", {}, "").body, R"({"status":"ok"})");
  EXPECT_EQ(call("GET", "/api/health/ready", {}, "health-key").body, R"({"status":"ok"})");
  expect_error(call("GET", "/api/health/ready", {}, "proxy-key"), 403, "Invalid authentication context");
  expect_error(call("GET", "/api/health/ready", {}, ""), 401, "Invalid credentials");
}

TEST_F(ApiTest, TheRootSaysWhatThisIs) {
  auto reply = call("GET", "/", {}, "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("/api"), std::string::npos);
}

TEST_F(ApiTest, ASecondServerOnTheSameRecordsIsRefused) {
  auto second = loop.run_until(Api::start(config));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another process has the database open"), std::string::npos);
  EXPECT_EQ(call("GET", "/api/health/ready").status, 200);
}

TEST_F(ApiTest, UnknownRoutesAndWrongMethodsAreNotFoundWithTheTarget) {
  auto reply = call("POST", "/api/regions?x=1", "{}");
  expect_error(reply, 404, "Cannot POST /api/regions?x=1");
  EXPECT_EQ(text_of(parse(reply.body), "path"), "/api/regions?x=1");
  expect_error(call("GET", "/api/nothing", {}, ""), 404, "Cannot GET /api/nothing");
  expect_error(call("GET", "/elsewhere", {}, ""), 404, "Cannot GET /elsewhere");
}

TEST_F(ApiTest, CredentialsAreChecked) {
  expect_error(call("GET", "/api/api-keys", {}, ""), 401, "Invalid credentials");
  expect_error(call("GET", "/api/api-keys", {}, "dtn_wrong"), 401, "Invalid credentials");
  expect_error(call("GET", "/api/api-keys", {}, "proxy-key"), 403, "Invalid authentication context");
  EXPECT_EQ(call("GET", "/api/api-keys/").status, 200);
  EXPECT_EQ(call("GET", "/api/jobs", {}, "runner-key").status, 200);
}

TEST_F(ApiTest, MalformedJsonIsSaidBeforeAuthenticationInTheShortForm) {
  auto reply = call("POST", "/api/api-keys", "{nope", "");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(
      reply.body,
      R"({"message":"Invalid JSON in request body","error":"Bad Request","statusCode":400,"code":"INVALID_REQUEST_BODY","source":"DAYTONA_API"})");
}

TEST_F(ApiTest, EveryViolationOfABodyIsTold) {
  expect_error(call("POST", "/api/api-keys", R"({"name":7})"), 400,
               "name must be a string, permissions must be an array, name should not be empty");
  auto odd = call("POST", "/api/api-keys", R"({"name":"<b>","permissions":["fly"],"expiresAt":"tomorrow"})");
  EXPECT_EQ(odd.status, 400);
  EXPECT_NE(odd.body.find("name must not contain HTML tags, URLs, or control characters, each value in "
                          "permissions must be one of"),
            std::string::npos)
      << odd.body;
  EXPECT_NE(odd.body.find("expiresAt must be a Date instance"), std::string::npos) << odd.body;
}

TEST_F(ApiTest, ABodyBeyondTheLimitIsRefused) {
  auto reply = call("POST", "/api/api-keys", R"({"name":")" + std::string(2 << 20, 'x') + "\"}");
  EXPECT_EQ(reply.status, 413) << reply.body;
  EXPECT_EQ(call("GET", "/api/health", {}, "").status, 200);
}

TEST_F(ApiTest, PreflightAndOriginsOfBrowsers) {
  Headers headers;
  headers.set("Origin", "https://app.example");
  headers.set("Access-Control-Request-Headers", "authorization,x-daytona-source");
  auto preflight = call("OPTIONS", "/api/sandbox", {}, "", headers);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.get_or("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(preflight.headers.get_or("access-control-allow-headers"), "authorization,x-daytona-source");
  EXPECT_NE(preflight.headers.get_or("access-control-allow-methods").find("DELETE"), std::string_view::npos);
  auto refused = call("GET", "/api/sandbox", {}, "", headers);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.get_or("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(refused.headers.get_or("vary"), "Origin");
}

TEST_F(ApiTest, LifeOfAnApiKey) {
  auto made = call("POST", "/api/api-keys", R"({"name":"ci","permissions":["write:sandboxes"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  auto body = parse(made.body);
  std::string value = text_of(body, "value");
  EXPECT_EQ(value.size(), 68u);
  EXPECT_TRUE(value.starts_with("dtn_"));
  EXPECT_TRUE(body.as_object().at("expiresAt").is_null());
  expect_error(call("POST", "/api/api-keys", R"({"name":"ci","permissions":[]})"), 409,
               "API key with this name already exists");

  auto current = call("GET", "/api/api-keys/current", {}, value);
  EXPECT_EQ(current.status, 200);
  EXPECT_EQ(text_of(parse(current.body), "name"), "ci");
  EXPECT_EQ(text_of(parse(current.body), "value"), "dtn" + std::string(20, '*') + value.substr(65));
  EXPECT_EQ(parse(call("GET", "/api/api-keys").body).as_array().size(), 2u);

  expect_error(call("POST", "/api/api-keys",
                    R"({"name":"more","permissions":["write:sandboxes","delete:sandboxes"]})", value),
               403, "Insufficient permissions for assigning: delete:sandboxes");
  expect_error(call("GET", "/api/volumes", {}, value), 403, "Access denied");

  EXPECT_EQ(call("DELETE", "/api/api-keys/ci").status, 204);
  expect_error(call("GET", "/api/api-keys/current", {}, value), 401, "Invalid credentials");
  expect_error(call("DELETE", "/api/api-keys/ci"), 404, "API key not found");
}

TEST_F(ApiTest, AnExpiredKeyIsRefused) {
  auto made = call("POST", "/api/api-keys",
                   R"({"name":"old","permissions":[],"expiresAt":"2020-01-01T00:00:00.000Z"})");
  ASSERT_EQ(made.status, 201) << made.body;
  expect_error(call("GET", "/api/users/me", {}, text_of(parse(made.body), "value")), 401,
               "Invalid credentials");
}

TEST_F(ApiTest, OrganizationUserAndRegion) {
  auto organizations = parse(call("GET", "/api/organizations").body).as_array();
  ASSERT_EQ(organizations.size(), 1u);
  std::string id = text_of(organizations[0], "id");
  EXPECT_EQ(id, api->started().organization.str());
  EXPECT_TRUE(organizations[0].at("personal").as_bool());
  EXPECT_EQ(text_of(organizations[0], "defaultRegionId"), "us");
  EXPECT_EQ(call("GET", "/api/organizations/" + id).status, 200);
  EXPECT_EQ(call("GET", "/api/organizations/" + id + "/usage").status, 200);
  expect_error(call("GET", "/api/organizations/4c3a0b4e-0000-4000-8000-000000000000"), 403,
               "Invalid authentication context");
  EXPECT_EQ(text_of(parse(call("GET", "/api/users/me").body), "id"), "daytona-admin");
  auto regions = parse(call("GET", "/api/shared-regions", {}, "").body).as_array();
  ASSERT_EQ(regions.size(), 1u);
  EXPECT_EQ(text_of(regions[0], "name"), "us");
  EXPECT_EQ(parse(call("GET", "/api/regions").body).as_array().size(), 1u);
  expect_error(call("GET", "/api/regions/us"), 404, "Region not found");
}

TEST_F(ApiTest, SnapshotsByIdAndByEncodedName) {
  auto page = parse(call("GET", "/api/snapshots?limit=10&name=SANDBOX").body);
  EXPECT_EQ(page.at("total").to_number<int>(), 1);
  EXPECT_EQ(page.at("totalPages").to_number<int>(), 1);
  auto item = page.at("items").as_array().at(0);
  EXPECT_EQ(text_of(item, "state"), "active");
  EXPECT_EQ(text_of(item, "name"), "daytonaio/sandbox:default");
  for (const char* key : {"id", "general", "size", "entrypoint", "cpu", "gpu", "mem", "disk", "errorReason",
                          "createdAt", "updatedAt", "lastUsedAt", "sourceSandboxId"})
    EXPECT_TRUE(item.as_object().contains(key)) << key;
  EXPECT_EQ(text_of(parse(call("GET", "/api/snapshots/daytonaio%2Fsandbox%3Adefault").body), "id"),
            text_of(item, "id"));
  EXPECT_EQ(call("GET", "/api/snapshots/" + text_of(item, "id")).status, 200);
  expect_error(call("GET", "/api/snapshots/nope"), 404, "Snapshot with ID or name nope not found");
  EXPECT_EQ(parse(call("GET", "/api/snapshots?name=100%25").body).at("total").to_number<int>(), 0);
  expect_error(call("GET", "/api/snapshots?page=0&limit=500&sort=x"), 400,
               "page must not be less than 1, limit must not be greater than 200, sort must be one of the "
               "following values: name, state, lastUsedAt, createdAt");
}

TEST_F(ApiTest, VolumesRegistriesAndObjectStorageOfAServerWithoutThem) {
  EXPECT_EQ(call("GET", "/api/volumes").body, "[]");
  expect_error(call("GET", "/api/volumes/by-name/data"), 404, "Volume with name data not found");
  expect_error(call("POST", "/api/volumes", R"({"name":"data"})"), 503, "Object storage is not configured");
  EXPECT_EQ(call("GET", "/api/docker-registry").body, "[]");
  expect_error(call("GET", "/api/object-storage/push-access"), 503, "Object storage is not configured");
}

TEST_F(ApiTest, TheFirstKeyIsShownOnceAndNeverStored) {
  stop();
  std::filesystem::remove_all(dir);
  config.admin_api_key = Secret();
  start();
  ASSERT_TRUE(api->started().api_key);
  std::string key = api->started().api_key->reveal();
  EXPECT_TRUE(key.starts_with("dtn_"));
  EXPECT_EQ(key.size(), 68u);
  EXPECT_EQ(call("GET", "/api/users/me", {}, key).status, 200);
  stop();
  for (const auto& file : std::filesystem::directory_iterator(dir)) {
    auto bytes = read_file(file.path());
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->find(key), std::string::npos) << file.path();
  }
  start();
  EXPECT_FALSE(api->started().api_key);
  EXPECT_EQ(call("GET", "/api/users/me", {}, key).status, 200);
}

TEST_F(ApiTest, AnswersOfASecondStartAreTheSame) {
  auto before = call("GET", "/api/snapshots").body;
  stop();
  start();
  EXPECT_EQ(call("GET", "/api/snapshots").body, before);
}

}  // namespace
}  // namespace dt::api
