// Starts the whole API on a free port inside the test, with records in a directory of its own.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "apps/api/api.h"
#include "libs/base/random.h"
#include "libs/net/http_client.h"

namespace dt::api {

class ApiFixture : public testing::Test {
 protected:
  static constexpr const char* kKey = "dtn_test_key_of_the_admin";
  ApiFixture() {
    std::filesystem::create_directory(dir);
    config.listen = {.host = "127.0.0.1", .port = 0, .unix_path = {}};
    config.database_path = dir + "/api.db";
    config.admin_api_key = Secret(kKey);
    config.runner_api_key = Secret("runner-key");
    config.proxy_api_key = Secret("proxy-key");
    config.health_check_api_key = Secret("health-key");
    config.log_requests = false;
  }
  ~ApiFixture() override {
    stop();
    std::filesystem::remove_all(dir);
  }

  void start() {
    auto started = loop.run_until(Api::start(config));
    ASSERT_TRUE(started) << started.error().message;
    api = std::move(*started);
  }
  void stop() {
    if (api) loop.run_until(api->stop());
    api.reset();
  }

  HttpClient::Reply call(std::string method, std::string target, std::string body = {},
                         std::string key = kKey, Headers headers = {}) {
    ClientRequest request{.method = std::move(method),
                          .target = std::move(target),
                          .headers = std::move(headers),
                          .body = std::move(body)};
    if (!key.empty()) request.headers.set("Authorization", "Bearer " + key);
    auto send = [](HttpClient& c, Endpoint to, ClientRequest r) -> Task<Result<HttpClient::Reply>> {
      CallContext ctx{.request_id = "test", .deadline = after(std::chrono::seconds(10)), .cancel = {}};
      auto reply = co_await c.call(ctx, to, std::move(r));
      co_return reply;
    };
    auto reply = loop.run_until(send(client, endpoint(), std::move(request)));
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
    return reply ? std::move(*reply) : HttpClient::Reply{};
  }
  Endpoint endpoint() const { return {.host = "127.0.0.1", .port = api->port(), .unix_path = {}}; }

  std::string dir = testing::TempDir() + "api-" + random_token(8);
  ApiConfig config;
  Loop loop;
  HttpClient client;
  std::unique_ptr<Api> api;
};

}  // namespace dt::api
