// For tests: the daemon with a home of its own, sessions in a chosen shell, and log streams.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/testing.h"
#include "libs/net/websocket.h"

namespace dt::daemon {

inline const std::string kOut = "\x01\x01\x01";
inline const std::string kErr = "\x02\x02\x02";

class SessionTest : public DaemonTest {
 public:
  void configure(Config& config) override {
    home_ = dir_ + "/home";
    std::filesystem::create_directory(home_);
    old_home_ = ::getenv("HOME") ? ::getenv("HOME") : "/";
    ::setenv("HOME", home_.c_str(), 1);
    config.environment = environ;
    config.session_shell = shell_;
    config.session_grace = Millis(1500);
    config.session_check = Millis(20);
  }
  void TearDown() override {
    DaemonTest::TearDown();
    ::setenv("HOME", old_home_.c_str(), 1);
  }

  static Headers version(std::string_view text) {
    Headers headers;
    headers.set("X-Daytona-SDK-Version", std::string(text));
    return headers;
  }
  Reply create(std::string_view id, Headers headers = {}) {
    return call("POST", "/process/session", boost::json::serialize(boost::json::object{{"sessionId", id}}),
                std::move(headers));
  }
  static std::string exec_body(std::string_view command, boost::json::object more = {}) {
    more["command"] = command;
    return boost::json::serialize(more);
  }

  struct Outcome {
    int status = 0;
    std::string id, out, err, output;
    int64_t code = -99;
    std::string message, error_code;
  };
  static Outcome outcome(const Reply& reply) {
    Outcome o;
    o.status = reply.status;
    auto value = boost::json::parse(reply.body);
    const auto& body = value.as_object();
    auto text = [&](std::string_view name, std::string& to) {
      if (auto* v = body.if_contains(name); v && v->is_string())
        to.assign(v->as_string().data(), v->as_string().size());
    };
    text("cmdId", o.id);
    text("stdout", o.out);
    text("stderr", o.err);
    text("output", o.output);
    text("message", o.message);
    text("code", o.error_code);
    if (auto* code = body.if_contains("exitCode"); code && code->is_int64()) o.code = code->as_int64();
    return o;
  }
  Outcome run(std::string_view command, std::string_view session = "s") {
    return outcome(call("POST", "/process/session/" + std::string(session) + "/exec", exec_body(command),
                        version("0.190.0")));
  }
  Outcome run_async(std::string_view command, std::string_view session = "s", bool quiet = false) {
    return outcome(call("POST", "/process/session/" + std::string(session) + "/exec",
                        exec_body(command, {{"runAsync", true}, {"suppressInputEcho", quiet}})));
  }
  static std::string command_path(std::string_view id, std::string_view rest = "",
                                  std::string_view session = "s") {
    return "/process/session/" + std::string(session) + "/command/" + std::string(id) + std::string(rest);
  }
  Reply input(std::string_view id, std::string_view data) {
    return post(command_path(id, "/input"), boost::json::serialize(boost::json::object{{"data", data}}));
  }
  // The exit code of an asynchronous command, when it has one within five seconds.
  std::optional<int64_t> exit_code(std::string_view id, std::string_view session = "s") {
    for (int i = 0; i < 500; ++i) {
      auto value = json(get(command_path(id, "", session)));
      if (auto* code = value.as_object().if_contains("exitCode")) return code->as_int64();
      sleep(Millis(10));
    }
    return std::nullopt;
  }
  std::string raw_log(std::string_view id, std::string_view session = "s") {
    return call("GET", command_path(id, "/logs", session), "", version("0.100.0")).body;
  }
  void sleep(Millis time) { loop_.run_until(pause(time)); }

  // A log stream: everything until the close.
  struct Streamed {
    std::string bytes;
    int close_code = 0;
    size_t longest_frame = 0;
    std::string protocol;
    std::string error;
  };
  Streamed stream(std::string target, Headers headers = version("0.190.0")) {
    Streamed out;
    loop_.run_until(receive_all(*this, std::move(target), std::move(headers), out));
    return out;
  }
  static Task<void> receive_all(SessionTest& t, std::string target, Headers headers, Streamed& out) {
    ClientRequest request{.method = "GET", .target = std::move(target), .headers = std::move(headers)};
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
    if (!response) {
      out.error = response.error().message;
      co_return;
    }
    out.protocol = std::string(response->headers.get_or("Sec-WebSocket-Protocol"));
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    for (;;) {
      auto message = co_await socket.receive(after(Millis(10'000)));
      if (!message) {
        out.error = message.error().message;
        co_return;
      }
      if (message->kind == WebSocket::Kind::close) {
        out.close_code = message->close_code;
        co_return;
      }
      out.bytes += message->data;
      out.longest_frame = std::max(out.longest_frame, message->data.size());
    }
  }

  std::string session_dir(std::string_view id = "s") const {
    return home_ + "/.daytona/sessions/" + std::string(id);
  }

  std::string home_, old_home_;
  std::string shell_ = "/bin/sh";

 private:
  static Task<void> pause(Millis time) { co_await Loop::current().sleep_for(time); }
};

}  // namespace dt::daemon
