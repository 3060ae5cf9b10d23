// For tests: the real daemon in this process, on a Unix socket in a directory of its own, which is also its
// work dir.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/daemon/daemon.h"
#include "libs/base/text.h"
#include "libs/net/http_client.h"

extern char** environ;

namespace dt::daemon {

// Sanitizers keep freed memory, and need more of it: what is resident says nothing then.
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

class DaemonTest : public ::testing::Test {
 public:
  using Reply = HttpClient::Reply;

  void SetUp() override {
    char name[] = "/tmp/daemon-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    std::filesystem::current_path(dir_);
    socket_ = dir_ + ".sock";
    endpoint_ = *Endpoint::parse("unix:" + socket_);
    Config config;
    config.environment = environ;
    config.drain_time = Millis(200);
    config.kill_time = Millis(500);
    configure(config);
    daemon_ = std::make_unique<Daemon>(std::move(config));
    scope_ = std::make_unique<TaskScope>("test");
    loop_.run_until(begin(*this));
  }

  void TearDown() override {
    loop_.run_until(end(*this));
    scope_.reset();
    daemon_.reset();
    std::filesystem::current_path("/");
    std::filesystem::remove_all(dir_);
    ::unlink(socket_.c_str());
  }

  // What a test changes before the daemon starts; dir_ exists.
  virtual void configure(Config&) {}

  Reply call(std::string method, std::string target, std::string body = "", Headers headers = {}) {
    ClientRequest request{.method = std::move(method),
                          .target = std::move(target),
                          .headers = std::move(headers),
                          .body = std::move(body)};
    auto reply = loop_.run_until(client_.call(CallContext(), endpoint_, std::move(request), 256u << 20));
    EXPECT_TRUE(reply.has_value()) << (reply ? "" : reply.error().message);
    return reply ? std::move(*reply) : Reply{0, {}, ""};
  }
  Reply get(std::string target) { return call("GET", std::move(target)); }
  Reply post(std::string target, std::string body = "") {
    return call("POST", std::move(target), std::move(body));
  }

  struct Ran {
    int status = 0;
    int64_t exit_code = -99;
    std::string result;
    boost::json::object body;
  };
  Ran ran(const Reply& reply) {
    Ran out{reply.status, -99, "", json(reply).as_object()};
    if (auto* code = out.body.if_contains("exitCode")) out.exit_code = code->as_int64();
    if (auto* text = out.body.if_contains("result")) out.result = text->as_string().c_str();
    return out;
  }
  Ran execute(std::string_view command, boost::json::object more = {}) {
    more["command"] = command;
    return ran(post("/process/execute", boost::json::serialize(more)));
  }
  static boost::json::value json(const Reply& reply) { return boost::json::parse(reply.body); }
  static std::string member(const Reply& reply, std::string_view name) {
    return json(reply).as_object().at(name).as_string().c_str();
  }

  std::string at(std::string_view name) const { return dir_ + "/" + std::string(name); }
  std::string content(const std::string& path) const {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void put(const std::string& path, std::string_view text) const {
    std::ofstream(path, std::ios::binary) << text;
  }

  std::string dir_, socket_;
  Endpoint endpoint_;
  Loop loop_;
  HttpClient client_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<TaskScope> scope_;

 private:
  static Task<void> begin(DaemonTest& t) {
    std::vector<Listener> listeners;
    auto listener = Listener::bind(t.endpoint_);
    CHECK(listener.has_value());
    listeners.push_back(std::move(*listener));
    t.scope_->spawn(t.daemon_->run(std::move(listeners)));
    co_return;
  }
  static Task<void> end(DaemonTest& t) {
    t.daemon_->stop();
    co_await t.scope_->join();
  }
};

}  // namespace dt::daemon
