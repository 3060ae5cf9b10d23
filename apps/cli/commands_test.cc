// The commands against a server on a socket: what they ask, what they print, how they end. The server here
// only plays answers of the contract; the real one is asked in tests/e2e.
#include "apps/cli/commands.h"

#include <gtest/gtest.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "libs/base/guarded.h"
#include "libs/net/http_server.h"

namespace dt::cli {
namespace {

const char* const kBox =
    R"({"id":"id-1","name":"box","state":"started","target":"us","snapshot":"snap","labels":{"a":"b"},)"
    R"("createdAt":"2023-11-14T22:00:00Z","updatedAt":"2023-11-14T22:10:00Z","toolboxProxyUrl":"%"})";

struct Answer {
  int status = 0;
  std::string body;
};

class Server {
 public:
  Server() {
    thread_ = std::thread([this] { serve(); });
    while (port_ == 0) std::this_thread::yield();
  }
  ~Server() {
    loop_.load()->stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // "METHOD target body", in order.
  std::vector<std::string> seen() {
    return seen_.with([](auto& all) { return all; });
  }
  void answer(std::string request, int status, std::string body) {
    std::string text = replace_all(std::move(body), "%", url() + "/toolbox");
    answers_.with([&](auto& all) { all[request] = Answer{status, text}; });
  }

 private:
  Task<Response> handle(Request& request) {
    auto body = co_await request.body->read_all(1 << 20);
    std::string key = request.method + " " + request.target;
    seen_.with([&](auto& all) { all.push_back(key + (body && !body->empty() ? " " + *body : "")); });
    if (request.headers.get_or("Authorization") != "Bearer key")
      co_return Response::json(401, R"({"error":"Unauthorized","message":"bad key"})");
    Answer answer = answers_.with([&](auto& all) {
      auto found = all.find(key);
      return found == all.end() ? Answer{404, R"({"error":"Not Found","message":"no such thing"})"}
                                : found->second;
    });
    co_return Response::json(answer.status, answer.body);
  }
  void serve() {
    Loop loop;
    HttpServer server([this](Request& request) { return handle(request); });
    auto listener = Listener::bind(Endpoint{"127.0.0.1", 0, {}});
    CHECK(listener.has_value());
    loop_ = &loop;
    auto accept = [](HttpServer& s, Listener& l) -> Task<void> { co_await s.serve(l); };
    auto start = [&]() -> Task<void> {
      port_ = listener->port();
      co_await accept(server, *listener);
    };
    TaskScope scope("test server");
    loop.post([&] { scope.spawn(start()); });
    loop.run();
    scope.stop_now();
  }

  Guarded<std::vector<std::string>> seen_;
  Guarded<std::map<std::string, Answer>> answers_;
  std::atomic<Loop*> loop_ = nullptr;
  std::atomic<uint16_t> port_ = 0;
  std::thread thread_;
};

class Commands : public testing::Test {
 protected:
  int run(std::vector<std::string> words, const std::string& key = "key") {
    out_.str("");
    errors_.str("");
    Context context{
        .out = out_,
        .clock = clock_,
        .width = 0,
        .settings = [&]() -> Result<Settings> { return Settings{server_.url() + "/api", Secret(key)}; },
        .loop = loop_};
    return cli::run(context, words, errors_);
  }
  std::string out() { return out_.str(); }
  std::string errors() { return errors_.str(); }

  Server server_;
  FakeClock clock_;  // 2023-11-14T22:13:20Z
  Loop loop_;
  std::ostringstream out_, errors_;
};

}  // namespace

TEST_F(Commands, Create) {
  server_.answer("POST /api/sandbox", 200, kBox);
  EXPECT_EQ(run({"create", "--name", "box"}), 0) << errors();
  EXPECT_EQ(out(), "Sandbox 'box' created successfully\nRun a command in it: daytona exec box -- COMMAND\n");
  EXPECT_EQ(server_.seen().back(),
            R"(POST /api/sandbox {"name":"box","autoDeleteInterval":-1,"networkBlockAll":false})");
}

TEST_F(Commands, ListAndInfo) {
  server_.answer("GET /api/sandbox?limit=100", 200,
                 std::string(R"({"items":[)") + kBox + R"(],"nextCursor":"n+1"})");
  EXPECT_EQ(run({"list"}), 0) << errors();
  EXPECT_EQ(out(),
            "Sandbox   State     Region   Last Event\nid-1      STARTED   us       3 minutes ago\nNext "
            "cursor: n+1\n");
  EXPECT_EQ(run({"list", "-f", "json"}), 0);
  EXPECT_EQ(out().substr(0, 22), "[\n  {\n    \"id\": \"id-1\"");
  server_.answer("GET /api/sandbox?limit=5&cursor=n%2B1", 200, R"({"items":[],"nextCursor":null})");
  EXPECT_EQ(run({"list", "-l", "5", "-c", "n+1"}), 0) << errors();
  EXPECT_EQ(out(), "No sandboxes found\n");
  server_.answer("GET /api/sandbox/a%2Fb", 200, kBox);
  EXPECT_EQ(run({"info", "a/b"}), 0) << errors();
  EXPECT_EQ(out(),
            "ID          id-1\nName        box\nState       STARTED\nSnapshot    snap\nRegion      "
            "us\nCreated     13 minutes ago\n"
            "Last Event  3 minutes ago\nLabels      a=b\n");
}

TEST_F(Commands, ExecPrintsTheOutputAndEndsWithItsCode) {
  server_.answer("GET /api/sandbox/box", 200, kBox);
  server_.answer("POST /toolbox/id-1/process/execute", 200, R"({"exitCode":7,"result":"hello"})");
  EXPECT_EQ(run({"exec", "box", "--cwd", "/x", "--timeout", "9", "--", "echo", "a b"}), 7) << errors();
  EXPECT_EQ(out(), "hello");
  EXPECT_EQ(server_.seen().back(),
            R"(POST /toolbox/id-1/process/execute {"command":"'echo' 'a b'","cwd":"/x","timeout":9})");
  server_.answer("POST /toolbox/id-1/process/execute", 200, R"({"exitCode":-1,"result":""})");
  EXPECT_EQ(run({"exec", "box", "x"}), 255);
}

TEST_F(Commands, ExecAsksForTheToolboxWhenTheSandboxDoesNotSay) {
  server_.answer("GET /api/sandbox/old", 200, R"({"id":"id-2","state":"started"})");
  server_.answer("GET /api/sandbox/id-2/toolbox-proxy-url", 200, R"({"url":"%"})");
  server_.answer("POST /toolbox/id-2/process/execute", 200, R"({"exitCode":0,"result":"ok"})");
  EXPECT_EQ(run({"exec", "old", "x"}), 0) << errors();
}

TEST_F(Commands, ExecRefusesASandboxThatDoesNotRun) {
  server_.answer("GET /api/sandbox/box", 200, R"({"id":"id-1","name":"box","state":"stopped"})");
  EXPECT_EQ(run({"exec", "box", "--", "ls"}), 1);
  EXPECT_EQ(errors(), "daytona: sandbox is stopped. Start it with: daytona sandbox start box\n");
}

TEST_F(Commands, StartStopDelete) {
  server_.answer("POST /api/sandbox/x/start", 200, kBox);
  server_.answer("POST /api/sandbox/x/stop", 200, kBox);
  server_.answer("POST /api/sandbox/x/stop?force=true", 200, kBox);
  server_.answer("DELETE /api/sandbox/x", 200, kBox);
  EXPECT_EQ(run({"start", "x"}), 0);
  EXPECT_EQ(out(), "Sandbox x started\n");
  EXPECT_EQ(run({"stop", "x"}), 0);
  EXPECT_EQ(out(), "Sandbox x stopped\n");
  EXPECT_EQ(run({"stop", "x", "-f"}), 0);
  EXPECT_EQ(server_.seen().back(), "POST /api/sandbox/x/stop?force=true");
  EXPECT_EQ(run({"delete", "x"}), 0);
  EXPECT_EQ(out(), "Sandbox x deleted\n");
}

TEST_F(Commands, DeleteAllTakesEveryPage) {
  server_.answer("GET /api/sandbox?limit=200", 200, R"({"items":[{"id":"a"},{"id":"b"}],"nextCursor":"2"})");
  server_.answer("GET /api/sandbox?limit=200&cursor=2", 200, R"({"items":[{"id":"c"}],"nextCursor":null})");
  for (const char* id : {"a", "c"}) server_.answer(std::string("DELETE /api/sandbox/") + id, 200, "{}");
  EXPECT_EQ(run({"delete", "--all"}), 0) << errors();  // b is gone already
  EXPECT_EQ(out(), "Deleted 3 sandboxes\n");
  server_.answer("DELETE /api/sandbox/b", 500, R"({"error":"Internal Server Error","message":"no"})");
  EXPECT_EQ(run({"delete", "--all"}), 1);
  EXPECT_EQ(errors(), "daytona: some were not deleted, the first of them b: Internal Server Error: no\n");
  server_.answer("GET /api/sandbox?limit=200", 200, R"({"items":[],"nextCursor":null})");
  EXPECT_EQ(run({"delete", "--all"}), 0);
  EXPECT_EQ(out(), "No sandboxes to delete\n");
  EXPECT_EQ(run({"delete"}), 1);
}

TEST_F(Commands, Failures) {
  EXPECT_EQ(run({"info", "nope"}), 1);
  EXPECT_EQ(errors(), "daytona: Not Found: no such thing\n");
  EXPECT_EQ(run({"info", "x"}, "wrong"), 1);
  EXPECT_EQ(errors(), "daytona: Unauthorized: bad key - check DAYTONA_API_KEY\n");
  EXPECT_EQ(run({"bogus"}), 2);
  server_.answer("GET /api/sandbox/html", 200, "<html>");
  EXPECT_EQ(run({"info", "html"}), 1);
  EXPECT_NE(errors().find("the answer of"), std::string::npos);
}

TEST_F(Commands, NobodyListens) {
  Context context{
      .out = out_,
      .clock = clock_,
      .width = 0,
      .settings = []() -> Result<Settings> { return Settings{"http://127.0.0.1:1/api", Secret("k")}; },
      .loop = loop_};
  EXPECT_EQ(cli::run(context, {"list"}, errors_), 1);
  EXPECT_NE(errors().find("cannot reach http://127.0.0.1:1/api"), std::string::npos);
  EXPECT_NE(errors().find("is the server up?"), std::string::npos);
}

TEST_F(Commands, VersionAndHelpNeedNoServer) {
  Context context{.out = out_,
                  .clock = clock_,
                  .width = 0,
                  .settings = []() -> Result<Settings> { return fail(Code::unauthorized, "none"); },
                  .loop = loop_};
  EXPECT_EQ(cli::run(context, {"version"}, errors_), 0);
  EXPECT_EQ(out(), "Daytona CLI version " DT_VERSION "\n");
  EXPECT_EQ(cli::run(context, {"create", "--help"}, errors_), 0);
  EXPECT_EQ(cli::run(context, {"list"}, errors_), 1);
  EXPECT_EQ(errors(), "daytona: none\n");
}

TEST(ErrorOfAnswer, Texts) {
  EXPECT_EQ(error_of_answer(400, R"({"error":"Bad Request","message":["a","b"]})").message,
            "Bad Request: a, b");
  EXPECT_EQ(error_of_answer(403, R"({"error":"Forbidden","message":"no"})").message,
            "Forbidden: no - check that your API key has sufficient permissions for this action");
  EXPECT_EQ(error_of_answer(502, "oops").message, "the server answered 502 oops");
  EXPECT_EQ(error_of_answer(404, R"({"message":"only"})").code, Code::not_found);
}

}  // namespace dt::cli
