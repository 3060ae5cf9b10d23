// For tests: the routes as the companion serves them, over connections that are handed over, on an Xvfb.
#pragma once
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "apps/daemon/desktop/handover.h"
#include "apps/daemon/desktop/program/serving/server.h"
#include "apps/daemon/desktop/program/x11/client_testing.h"
#include "apps/daemon/desktop/program/x11/routes.h"
#include "apps/daemon/desktop/xvfb_testing.h"
#include "libs/net/http_client.h"

namespace dt::desktop {

class DesktopTest : public ::testing::Test {
 public:
  using Reply = HttpClient::Reply;

  void SetUp() override {
    server_ = std::make_unique<Xvfb>();
    ::setenv("DISPLAY", server_->display().c_str(), 1);
    auto pair = daemon::socket_pair(SOCK_SEQPACKET);
    control_ = std::move(pair->ours);
    HttpClient::Options options;
    options.connect = [this](const Endpoint&, Mono) { return connect(); };
    client_ = std::make_unique<HttpClient>(options);
    scope_ = std::make_unique<TaskScope>("companion");
    loop_.run_until(begin(*this, std::move(pair->theirs)));
  }
  void TearDown() override {
    client_.reset();
    control_.reset();
    loop_.run_until(end(*this));
    scope_.reset();
    server_.reset();
  }

  Task<Result<Stream>> connect() {
    auto pair = daemon::socket_pair(SOCK_STREAM);
    Status given = daemon::hand_over(control_.get(), pair->theirs);
    CHECK(given.has_value());
    co_return Stream(std::move(pair->ours));
  }
  Task<Result<Reply>> request(std::string method, std::string path, std::string body = "") {
    ClientRequest out{
        .method = std::move(method), .target = "/computeruse" + path, .headers = {}, .body = std::move(body)};
    co_return co_await client_->call(context_, endpoint_, std::move(out), 256u << 20);
  }
  Reply call(std::string method, std::string path, std::string body = "") {
    auto reply = loop_.run_until(request(std::move(method), std::move(path), std::move(body)));
    EXPECT_TRUE(reply.has_value()) << (reply ? "" : reply.error().message);
    return reply ? std::move(*reply) : Reply{0, {}, ""};
  }
  boost::json::object get(std::string path, int status = 200) {
    return answer(call("GET", std::move(path)), status);
  }
  boost::json::object post(std::string path, const boost::json::value& body, int status = 200) {
    return answer(call("POST", std::move(path), boost::json::serialize(body)), status);
  }
  static boost::json::object answer(const Reply& reply, int status) {
    EXPECT_EQ(reply.status, status) << reply.body.substr(0, 500);
    EXPECT_TRUE(reply.headers.get_or("Content-Type").starts_with("application/json"));
    return boost::json::parse(reply.body).as_object();
  }
  static std::string text(const boost::json::object& object, std::string_view name) {
    return object.at(name).as_string().c_str();
  }
  std::string error(const std::string& path, const boost::json::value& body) {
    return text(post(path, body, 400), "error");
  }

  std::unique_ptr<Xvfb> server_;
  Loop loop_;
  CallContext context_;
  const Endpoint endpoint_{.host = "desktop", .port = 80, .unix_path = {}};
  Fd control_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<TaskScope> scope_;

 private:
  static Task<void> begin(DesktopTest& t, Fd control) {
    t.scope_->spawn(serve(std::move(control), x11_routes()));
    co_return;
  }
  static Task<void> end(DesktopTest& t) { co_await t.scope_->join(); }
};

}  // namespace dt::desktop
