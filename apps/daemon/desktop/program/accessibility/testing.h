// For tests of accessibility: a display (Xvfb), a session bus with AT-SPI, GTK programs on them, and the
// routes behind an HTTP server. Needs the Debian packages xvfb, dbus, at-spi2-core, python3-gi and
// gir1.2-gtk-3.0; fails where one is missing.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/daemon/desktop/program/accessibility/routes.h"
#include "libs/base/text.h"
#include "libs/net/http_client.h"
#include "libs/net/http_server.h"
#include "libs/net/router.h"

extern char** environ;

namespace dt::desktop::testing {

// A program in a process group of its own, ended with the object, or with the test when that is killed. With
// `report` its descriptor 3 is a pipe to us.
class Program {
 public:
  explicit Program(std::vector<std::string> argv, bool report = false) {
    Pipe pipe = std::move(*make_pipe());
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (report) posix_spawn_file_actions_adddup2(&actions, pipe.write.get(), 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const char* with_us[] = {"setpriv", "--pdeathsig", "KILL", "--"};
    argv.insert(argv.begin(), std::begin(with_us), std::end(with_us));
    std::vector<char*> arguments;
    for (std::string& argument : argv) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    int err = ::posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    EXPECT_EQ(err, 0) << "cannot start " << argv[0] << ": see the packages in testing.h";
    if (err != 0) pid_ = -1;
    report_ = std::move(pipe.read);
  }
  ~Program() { stop(); }
  Program(const Program&) = delete;
  void stop() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  // The first line that it reports.
  std::string line() {
    std::string out;
    for (char c; ::read(report_.get(), &c, 1) == 1 && c != '\n';) out += c;
    EXPECT_FALSE(out.empty()) << "the program reported nothing: see the packages in testing.h";
    return out;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Fd report_;
};

class AccessibilityTest : public ::testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/a11y-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    ::setenv("HOME", dir_.c_str(), 1);
    ::setenv("GSETTINGS_BACKEND", "memory", 1);
    ::unsetenv("XDG_RUNTIME_DIR");
    ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
    endpoint_ = *Endpoint::parse("unix:" + dir_ + "/http.sock");
    router_ = std::make_unique<Router>(accessibility_routes());
    server_ = std::make_unique<HttpServer>([this](Request& r) { return handle(r); });
    listener_ = std::make_unique<Listener>(std::move(*Listener::bind(endpoint_)));
    loop_.post([this] { scope_.spawn(server_->serve(*listener_)); });
  }
  void TearDown() override {
    loop_.run_until(end(*this));
    programs_.clear();
    session_.reset();
    display_.reset();
    std::filesystem::remove_all(dir_);
  }

  void start_display() {
    display_ =
        std::make_unique<Program>(std::vector<std::string>{"Xvfb", "-displayfd", "3", "-screen", "0",
                                                           "1024x768x24", "-noreset", "-nolisten", "tcp"},
                                  true);
    ::setenv("DISPLAY", (":" + display_->line()).c_str(), 1);
  }
  void start_session() {
    session_ = std::make_unique<Program>(
        std::vector<std::string>{"dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=3"},
        true);
    ::setenv("DBUS_SESSION_BUS_ADDRESS", session_->line().c_str(), 1);
  }
  void start_desktop() {
    start_display();
    start_session();
  }
  // Returns its pid when its window is in the tree. For `more` see test_window.py.
  pid_t start_window(const std::vector<int>& more = {}) {
    std::vector<std::string> argv{"/usr/bin/python3", DT_TEST_WINDOW, dir_};
    for (int number : more) argv.push_back(std::to_string(number));
    programs_.push_back(std::make_unique<Program>(std::move(argv)));
    pid_t pid = programs_.back()->pid();
    auto there = [&] { return get("/tree?scope=pid&maxDepth=0&pid=" + std::to_string(pid)).status == 200; };
    EXPECT_TRUE(eventually(there)) << "the window did not appear: see the packages in testing.h";
    return pid;
  }

  template <class Fn>
  bool eventually(Fn condition) {
    for (Mono until = after(Millis(60'000)); after(Millis(0)) < until;) {
      if (condition()) return true;
      loop_.run_until([]() -> Task<void> { co_await Loop::current().sleep_for(Millis(20)); }());
    }
    return false;
  }

  struct Reply {
    int status = 0;
    boost::json::object body;
    std::string error() const { return body.contains("error") ? body.at("error").as_string().c_str() : ""; }
    std::string code() const { return body.contains("code") ? body.at("code").as_string().c_str() : ""; }
  };
  Reply call(std::string method, const std::string& target, std::string body = "") {
    ClientRequest request{
        .method = std::move(method), .target = "/computeruse/a11y" + target, .body = std::move(body)};
    auto reply = loop_.run_until(client_.call(CallContext(), endpoint_, std::move(request), 64u << 20));
    EXPECT_TRUE(reply.has_value()) << (reply ? "" : reply.error().message);
    if (!reply) return {};
    return {reply->status, boost::json::parse(reply->body).as_object()};
  }
  Reply get(const std::string& target) { return call("GET", target); }
  Reply post(const std::string& target, const boost::json::object& body) {
    return call("POST", target, boost::json::serialize(body));
  }
  // The single node that these filters find.
  boost::json::object only(boost::json::object filters) {
    if (!filters.contains("scope")) filters["scope"] = "all";
    Reply reply = post("/find", filters);
    EXPECT_EQ(reply.status, 200) << reply.error();
    if (reply.status != 200) return {};
    const auto& matches = reply.body.at("matches").as_array();
    EXPECT_EQ(matches.size(), 1u) << boost::json::serialize(reply.body);
    return matches.empty() ? boost::json::object() : matches[0].as_object();
  }
  std::string id_of(boost::json::object filters) {
    boost::json::object node = only(std::move(filters));
    return node.contains("id") ? node.at("id").as_string().c_str() : "";
  }

  std::string content(const std::string& name) const {
    std::ifstream in(dir_ + "/" + name);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }

  std::string dir_;
  Endpoint endpoint_;
  Loop loop_;
  HttpClient client_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Listener> listener_;
  TaskScope scope_{"test"};
  std::unique_ptr<Program> display_, session_;
  std::vector<std::unique_ptr<Program>> programs_;

 private:
  Task<Response> handle(Request& request) {
    auto match = router_->match(request);
    CHECK(match && match->route);
    co_return co_await match->route->handler(request);
  }
  static Task<void> end(AccessibilityTest& t) {
    co_await t.server_->drain(after(Millis(100)));
    co_await t.scope_.join();
  }
};

}  // namespace dt::desktop::testing
