// The interpreter of the real daemon with the python3 of this machine.
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "apps/daemon/interpreter/connection.h"
#include "apps/daemon/testing.h"
#include "libs/net/websocket.h"

namespace dt::daemon::interpreter {
namespace {

namespace bj = boost::json;

struct Outcome {
  std::string out, err, control;
  bj::object error;
  int code = 0;
  std::string reason;
  std::vector<std::string> order;  // types of the frames; equal neighbours once
  size_t frames = 0;
};

class Interpreter : public DaemonTest {
 protected:
  static void take(Outcome& outcome, const WebSocket::Message& message) {
    if (message.kind == WebSocket::Kind::close) {
      outcome.code = message.close_code;
      outcome.reason = message.data;
      return;
    }
    EXPECT_EQ(message.kind, WebSocket::Kind::text);
    ++outcome.frames;
    bj::object frame = bj::parse(message.data).as_object();
    EXPECT_EQ(frame.size(), 5u) << message.data;
    std::string type = frame["type"].as_string().c_str(), text(std::string_view(frame["text"].as_string()));
    if (outcome.order.empty() || outcome.order.back() != type) outcome.order.push_back(type);
    if (type == "stdout") outcome.out += text;
    if (type == "stderr") outcome.err += text;
    if (type == "control") outcome.control += text;
    if (type == "error") outcome.error = frame;
  }

  // One connection: sends `first`, then hands every message to `each` until the close.
  using Each = std::function<Task<void>(WebSocket&, const WebSocket::Message&)>;
  static Task<void> talk(Interpreter& t, std::string first, Outcome& outcome, Each each = nullptr) {
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_,
                                               ClientRequest{.target = "/process/interpreter/execute"});
    CHECK(response.has_value());
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    auto sent = co_await socket.send_text(first);
    CHECK(sent.has_value());
    for (;;) {
      auto message = co_await socket.receive(after(std::chrono::seconds(30)));
      if (!message) {
        ADD_FAILURE() << message.error().message;
        co_return;
      }
      take(outcome, *message);
      if (each) co_await each(socket, *message);
      if (message->kind == WebSocket::Kind::close) co_return;
    }
  }

  static std::string body(std::string_view code, bj::object more = {}) {
    more["code"] = code;
    return bj::serialize(more);
  }
  Outcome send(std::string first) {
    Outcome outcome;
    loop_.run_until(talk(*this, std::move(first), outcome));
    return outcome;
  }
  Outcome run(std::string_view code, bj::object more = {}) { return send(body(code, std::move(more))); }
  std::string create(std::string_view cwd = "") {
    Reply reply = post("/process/interpreter/context", bj::serialize(bj::object{{"cwd", cwd}}));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? member(reply, "id") : "";
  }
  static bool alive(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(in, text);
    return !text.empty() && text.find(") Z ") == std::string::npos;
  }
  bool gone(pid_t pid) {
    for (int i = 0; i < 200 && alive(pid); ++i) execute("sleep 0.02");
    return !alive(pid);
  }
  static pid_t number(const std::string& text) { return std::atoi(text.c_str()); }
};

TEST_F(Interpreter, RunsCodeFrameByFrame) {
  EXPECT_EQ(daemon_->children(), 0u) << "nothing runs before the first use";
  Outcome r = run("import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c', end='')\n1 + 1");
  EXPECT_EQ(r.out, "a\nc");
  EXPECT_EQ(r.err, "b\n");
  EXPECT_EQ(r.control, "completed");
  EXPECT_EQ(r.order, (std::vector<std::string>{"stdout", "stderr", "stdout", "control"}));
  EXPECT_EQ(r.code, 1000);
  EXPECT_EQ(r.reason, "");
}

TEST_F(Interpreter, KeepsStatePerContext) {
  run("x = 1");
  EXPECT_EQ(run("print(x)").out, "1\n");
  std::string id = create();
  EXPECT_EQ(run("print('x' in globals(), __name__)", {{"contextId", id}}).out, "False __main__\n");
  run("x = 2", {{"contextId", id}});
  EXPECT_EQ(run("print(x)", {{"contextId", id}}).out, "2\n");
  EXPECT_EQ(run("print(x)", {{"contextId", "default"}}).out, "1\n");
}

TEST_F(Interpreter, ErrorsAsInTheContract) {
  Outcome r = run("print('first')\ndef f():\n  raise ValueError('no')\nf()");
  EXPECT_EQ(r.order, (std::vector<std::string>{"stdout", "error", "control"}));
  EXPECT_EQ(r.error["name"], "ValueError");
  EXPECT_EQ(r.error["value"], "no");
  EXPECT_EQ(r.error["traceback"],
            "Traceback (most recent call last):\n  File \"<stdin>\", line 4\n  File \"<stdin>\", line "
            "3\nValueError: no\n");
  EXPECT_EQ(r.control, "completed");
  EXPECT_EQ(r.code, 1000);
  r = run("x = = 1");
  EXPECT_EQ(r.error["name"], "SyntaxError");
  EXPECT_EQ(r.error["traceback"], "SyntaxError: invalid syntax\n");
  r = run("import json\njson.loads('{')");
  EXPECT_EQ(r.error["name"], "JSONDecodeError");
  EXPECT_TRUE(r.error["traceback"].as_string().starts_with(
      "Traceback (most recent call last):\n  File \"<stdin>\", line 2\njson.decoder.JSONDecodeError: "))
      << r.error;
  EXPECT_EQ(run("class E(Exception):\n  def __str__(self): raise E()\nraise E()").error["name"], "E");
  EXPECT_EQ(run("raise ValueError('x' * 50_000_000)").error["value"].as_string().size(), 262'144u);
  EXPECT_EQ(run("def f(): f()\nf()").error["name"], "RecursionError");
  EXPECT_FALSE(run("x = '\\0'\nexec('\\0')").error.empty());
}

TEST_F(Interpreter, ExitEndsTheRunOnly) {
  run("kept = 5");
  Outcome r = run("print('x')\nimport sys\nsys.exit(3)\nprint('never')");
  EXPECT_EQ(r.control, "completed");
  EXPECT_EQ(r.code, 1000);
  EXPECT_EQ(r.out, "x\n");
  EXPECT_EQ(run("exit()").control, "completed");
  EXPECT_EQ(run("print(kept)").out, "5\n");
}

TEST_F(Interpreter, RefusesAsTheTableSays) {
  struct Case {
    std::string first;
    int code;
    const char* reason;
  };
  for (const Case& c :
       {Case{"{", 1002, "invalid JSON payload"}, Case{"[]", 1002, "invalid JSON payload"},
        Case{R"({"code":5})", 1002, "invalid JSON payload"},
        Case{R"({"code":"1","timeout":"1"})", 1002, "invalid JSON payload"},
        Case{R"({"code":"1","timeout":1.5})", 1002, "invalid JSON payload"},
        Case{R"({"code":"1","envs":{"A":1}})", 1002, "invalid JSON payload"},
        Case{"{}", 1008, "code is required"}, Case{R"({"code":""})", 1008, "code is required"},
        Case{R"({"code":"1","timeout":-1})", 1008, "timeout must be greater than or equal to 0"},
        Case{R"({"code":"1","contextId":""})", 1008, "context not found: "},
        Case{R"({"code":"1","contextId":"nope"})", 1008, "context not found: nope"}}) {
    Outcome r = send(c.first);
    EXPECT_EQ(r.code, c.code) << c.first;
    EXPECT_EQ(r.reason, c.reason);
    EXPECT_EQ(r.frames, 0u);
  }
  EXPECT_EQ(daemon_->children(), 0u);
  EXPECT_EQ(send(R"x({"Code":"print(1)","contextId":null,"timeout":null,"envs":null,"more":[]})x").out,
            "1\n");
  Reply plain = get("/process/interpreter/execute");
  EXPECT_EQ(plain.status, 400);
  EXPECT_EQ(plain.headers.get_or("Sec-WebSocket-Version"), "13");
}

TEST_F(Interpreter, ContextRoutes) {
  EXPECT_EQ(get("/process/interpreter/context").body, R"({"contexts":[]})");
  Reply made = post("/process/interpreter/context", "{}");
  EXPECT_EQ(made.status, 200);
  bj::object context = json(made).as_object();
  EXPECT_EQ(std::string_view(context["cwd"].as_string()), dir_);
  EXPECT_EQ(context["active"], true);
  EXPECT_EQ(context["language"], "python");
  EXPECT_TRUE(is_uuid(std::string_view(context["id"].as_string())));
  std::filesystem::create_directory("sub");
  std::string second = create("sub");
  EXPECT_EQ(run("import os; print(os.getcwd())", {{"contextId", second}}).out, dir_ + "/sub\n");
  run("1");  // the default context is not listed
  bj::array all = json(get("/process/interpreter/context")).at("contexts").as_array();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], bj::value(context));

  Reply gone = call("DELETE", "/process/interpreter/context/" + second);
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.body, R"({"message":"Context deleted successfully"})");
  EXPECT_EQ(call("DELETE", "/process/interpreter/context/" + second).status, 404);
  EXPECT_EQ(call("DELETE", "/process/interpreter/context/default").status, 400);
  EXPECT_EQ(run("1", {{"contextId", second}}).reason, "context not found: " + second);

  EXPECT_EQ(post("/process/interpreter/context", "").status, 400);
  EXPECT_EQ(post("/process/interpreter/context", R"({"language":"ruby"})").status, 400);
  EXPECT_EQ(post("/process/interpreter/context", R"({"language":"python","cwd":null})").status, 200);
  EXPECT_EQ(post("/process/interpreter/context", R"({"cwd":7})").status, 400);
  Reply bad = post("/process/interpreter/context", R"({"cwd":"/nowhere"})");
  EXPECT_EQ(bad.status, 500);
  EXPECT_NE(member(bad, "message").find("no such file"), std::string::npos);
}

TEST_F(Interpreter, TimeoutInterruptsAndKeepsTheContext) {
  run("x = 7");
  auto start = std::chrono::steady_clock::now();
  Outcome r = run("import time\nprint('on', flush=True)\ntime.sleep(60)", {{"timeout", 1}});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
  EXPECT_EQ(r.out, "on\n");
  EXPECT_EQ(r.control, "interrupted");
  EXPECT_EQ(r.code, 4008);
  EXPECT_EQ(r.reason, "");
  EXPECT_EQ(run("print(x)").out, "7\n");
  r = run("raise KeyboardInterrupt");
  EXPECT_EQ(r.control, "interrupted");
  EXPECT_EQ(r.code, 4008);
  EXPECT_EQ(run("while True: print('much', flush=True)", {{"timeout", 1}}).code, 4008);
  EXPECT_EQ(run("print(x)", {{"timeout", 0}}).out, "7\n");
}

TEST_F(Interpreter, CodeThatDoesNotReactLosesItsProcessAndAllItStarted) {
  Outcome r =
      run("import signal, time, subprocess, os\nx = 1\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
          "subprocess.run('(setsid sleep 300.52 & echo $!); exec true', shell=True)\n"
          "print(os.getpid())\nwhile True: time.sleep(60)",
          {{"timeout", 1}});
  EXPECT_EQ(r.code, 4008);
  EXPECT_EQ(r.control, "");
  EXPECT_EQ(execute("pgrep -f 'sleep 300[.]52' | wc -l").result, "0\n");
  EXPECT_EQ(run("print('x' in globals())").out, "False\n") << "a fresh process";
}

TEST_F(Interpreter, AWorkerThatDiesIsReplacedAndTheQueueGoesOn) {
  std::string id = create();
  Outcome died, next;
  auto both = [&](Interpreter& t) -> Task<void> {
    TaskScope scope("two");
    bj::object context{{"contextId", id}};
    scope.spawn(talk(t, body("import os, time\ntime.sleep(0.3)\nprint('last')\nos._exit(3)", context), died));
    co_await Loop::current().sleep_for(Millis(100));
    scope.spawn(talk(t, body("print('next')", context), next));
    co_await scope.join();
  };
  loop_.run_until(both(*this));
  EXPECT_EQ(died.code, 1001);
  EXPECT_EQ(died.reason, "worker process ended");
  EXPECT_EQ(died.out, "last\n");
  EXPECT_EQ(died.control, "");
  EXPECT_EQ(next.out, "next\n");
  EXPECT_EQ(next.code, 1000);
  // Between runs: the context is not active until its next run.
  run("import threading, os\nthreading.Timer(0.1, os._exit, [1]).start()", {{"contextId", id}});
  for (int i = 0; i < 100; ++i) {
    bj::object listed = json(get("/process/interpreter/context")).at("contexts").at(0).as_object();
    if (listed["active"] == false) break;
    execute("sleep 0.02");
  }
  EXPECT_EQ(json(get("/process/interpreter/context")).at("contexts").at(0).at("active"), false);
  EXPECT_EQ(run("print('again')", {{"contextId", id}}).out, "again\n");
  EXPECT_EQ(run("import os; os.closerange(3, 1000); print('lost')").code, 1001);
  EXPECT_EQ(run("print('again')").out, "again\n");
  EXPECT_EQ(run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").code, 1001);
}

TEST_F(Interpreter, RunsWaitInOrderAndTheirPingsAreAnswered) {
  std::vector<std::string> finished;
  size_t pongs = 0;
  auto one = [&](Interpreter& t, int i) -> Task<void> {
    Outcome outcome;
    co_await talk(t, body("import time\ntime.sleep(0.05)\nprint(" + std::to_string(i) + ")"), outcome);
    finished.push_back(outcome.out);
  };
  auto pinging = [&](Interpreter& t) -> Task<void> {
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_,
                                               ClientRequest{.target = "/process/interpreter/execute"});
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    co_await socket.send_text(body("print('pinged')"));
    co_await socket.ping();
    auto none = co_await socket.receive(after(Millis(200)));  // its turn comes later
    EXPECT_FALSE(none.has_value());
    pongs = socket.pongs();
    auto message = co_await socket.receive();
    EXPECT_TRUE(message && message->data.find("pinged") != std::string::npos);
    co_await socket.close(1000);
    for (bool more = true; more;) {
      auto rest = co_await socket.receive();
      more = rest.has_value();
    }
  };
  auto all = [&](Interpreter& t) -> Task<void> {
    TaskScope scope("many");
    for (int i = 0; i < 10; ++i) {
      scope.spawn(one(t, i));
      co_await Loop::current().sleep_for(Millis(5));
    }
    scope.spawn(pinging(t));
    co_await scope.join();
  };
  loop_.run_until(all(*this));
  std::vector<std::string> want;
  for (int i = 0; i < 10; ++i) want.push_back(std::to_string(i) + "\n");
  EXPECT_EQ(finished, want);
  EXPECT_EQ(pongs, 1u);
}

TEST_F(Interpreter, TheQueueIsBounded) {
  int refused = 0, done = 0;
  auto one = [&](Interpreter& t, std::string first) -> Task<void> {
    Outcome outcome;
    co_await talk(t, first, outcome);
    refused += outcome.code == 1008 && outcome.reason == "too many runs wait for the context";
    done += outcome.code == 1000;
  };
  auto all = [&](Interpreter& t) -> Task<void> {
    TaskScope scope("many");
    scope.spawn(one(t, body("import time; time.sleep(1.5)")));
    co_await Loop::current().sleep_for(Millis(100));
    for (int i = 0; i < 130; ++i) scope.spawn(one(t, body("1")));
    co_await scope.join();
  };
  loop_.run_until(all(*this));
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(done, 129);
}

TEST_F(Interpreter, OutputOfProgramsAndThreadsIsOutputOfTheRun) {
  Outcome r =
      run("import subprocess, os, sys, threading\n"
          "for i in range(20):\n"
          "  print('p', i)\n"
          "  subprocess.run(['echo', 's', str(i)])\n"
          "os.system('echo e >&2')\n"
          "os.write(1, b'raw\\n')\n"
          "sys.stdout.buffer.write('gr\\u00fcn\\n'.encode())\n"
          "subprocess.run(['echo', 'given'], stdout=sys.stdout)\n"
          "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
          "print('end')");
  std::string want;
  for (int i = 0; i < 20; ++i) want += "p " + std::to_string(i) + "\ns " + std::to_string(i) + "\n";
  EXPECT_EQ(r.out, want + "raw\ngrün\ngiven\nthread\nend\n");
  EXPECT_EQ(r.err, "e\n");
  // Of what outlives the run nothing disturbs.
  run("subprocess.Popen('sleep 0.2; echo late; echo late >&2; sleep 0.2; echo there > late.txt', "
      "shell=True)\n"
      "threading.Timer(0.2, print, ['late']).start()");
  execute("sleep 0.3");
  r = run("print('quiet')");
  EXPECT_EQ(r.out, "quiet\n");
  EXPECT_EQ(r.err, "");
  execute("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; test -f late.txt && exit; done");
  EXPECT_EQ(content(at("late.txt")), "there\n");
  // Forked children write whole messages and do not answer for the run.
  r =
      run("import os\npids = []\nfor i in range(8):\n  pids.append(os.fork())\n  if pids[-1] == 0:\n"
          "    for k in range(200): print('x' * 50)\n    os._exit(0)\n"
          "for pid in pids: os.waitpid(pid, 0)\nprint('parent')");
  EXPECT_EQ(r.out.size(), 8 * 200 * 51 + 7u);
  r = run("pid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('both')");
  EXPECT_EQ(r.out, "both\nboth\n");
  EXPECT_EQ(r.control, "completed");
  r =
      run("import multiprocessing as m\ndef double(x): return 2 * x\n"
          "with m.get_context('fork').Pool(2) as p: print(p.map(double, [1, 2]))");
  EXPECT_EQ(r.out, "[2, 4]\n") << r.err << r.error;
}

TEST_F(Interpreter, LargeAndOddOutput) {
  Outcome r = run("print('x' * 5_000_000)");
  EXPECT_EQ(r.out.size(), 5'000'001u);
  EXPECT_EQ(run("for i in range(200_000): print(i)").out.size(), 1'288'890u);
  EXPECT_EQ(run("print('\\ud800-\\u00e9-\\U0001f600-\\x00')").out, std::string("\xEF\xBF\xBD-é-😀-\0\n", 14));
  EXPECT_EQ(run("import os; os.write(1, b'\\xff\\n')").out, "\xEF\xBF\xBD\n");
  EXPECT_EQ(run("import os\nfor b in '😀é\\n'.encode(): os.write(1, bytes([b]))").out, "😀é\n");
  EXPECT_EQ(run("import subprocess; subprocess.run('head -c 3000000 /dev/zero | tr \"\\\\0\" z', shell=True)")
                .out.size(),
            3'000'000u);
  std::string code = "s = '" + std::string(3'000'000, 'y') + "'\nprint(len(s))";
  EXPECT_EQ(run(code).out, "3000000\n");
}

TEST_F(Interpreter, InputEndsAndStandardStreamsAreSane) {
  Outcome r = run("input('? ')");
  EXPECT_EQ(r.error["name"], "EOFError");
  EXPECT_EQ(r.out, "? ");
  EXPECT_EQ(run("import sys; print(sys.stdin.read(), sys.stdout.isatty(), sys.stdout.encoding, "
                "sys.stdout.fileno(), sys.stderr.fileno())")
                .out,
            " False utf-8 1 2\n");
  run("import sys, io; sys.stdout = io.StringIO(); print('swallowed')");
  EXPECT_EQ(run("print('back')").out, "back\n");
  run("sys.stdout.close(); sys.stderr.close()");
  EXPECT_EQ(run("print('open')").out, "open\n");
}

TEST_F(Interpreter, VariablesAreOfTheRunOnly) {
  EXPECT_EQ(run("import os; print(os.environ['A'], os.environ['B'] == '', os.environ['HOME'])",
                {{"envs", bj::object{{"A", "1 2"}, {"B", nullptr}, {"HOME", "/x"}}}})
                .out,
            "1 2 True /x\n");
  EXPECT_EQ(run("print('A' in os.environ, os.environ['HOME'] == '/x')").out, "False False\n");
  EXPECT_EQ(run("print('ok')", {{"envs", bj::object{{"A=B", "x"}}}}).error.empty(), false);
  EXPECT_EQ(run("print('ok')").out, "ok\n");
}

TEST_F(Interpreter, ModulesOfTheDirectoryCanBeImportedAndDoNotDisturb) {
  for (const char* name : {"traceback.py", "fcntl.py", "io.py", "_thread.py", "termios.py"})
    put(at(name), "raise SystemExit('mine')");
  put(at("mine.py"), "value = 11");
  Outcome r = run("import mine, sys; print(mine.value, sys.path[0] == '')");
  EXPECT_EQ(r.out, "11 True\n");
  EXPECT_EQ(run("1/0").error["name"], "ZeroDivisionError");
}

TEST_F(Interpreter, DeletingEndsRunsAndEverythingThatWasStarted) {
  std::string id = create();
  Outcome running, waiting;
  auto all = [&](Interpreter& t) -> Task<void> {
    TaskScope scope("two");
    bj::object context{{"contextId", id}};
    std::string code =
        "import os, time, subprocess\nsubprocess.run('setsid sleep 300.53 &', shell=True)\ntime.sleep(60)";
    scope.spawn(talk(t, body(code, context), running));
    co_await Loop::current().sleep_for(Millis(300));
    scope.spawn(talk(t, body("print(1)", context), waiting));
    co_await Loop::current().sleep_for(Millis(100));
    auto reply = co_await t.client_.call(
        CallContext(), t.endpoint_,
        ClientRequest{.method = "DELETE", .target = "/process/interpreter/context/" + id});
    EXPECT_EQ(reply->status, 200);
    co_await scope.join();
  };
  loop_.run_until(all(*this));
  for (const Outcome& o : {running, waiting}) {
    EXPECT_EQ(o.code, 1001);
    EXPECT_EQ(o.reason, "context shutdown");
  }
  EXPECT_EQ(execute("pgrep -f 'sleep 300[.]53' | wc -l").result, "0\n");
}

TEST_F(Interpreter, CodeGoesOnWithoutItsClient) {
  auto leave = [](Interpreter& t) -> Task<void> {
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_,
                                               ClientRequest{.target = "/process/interpreter/execute"});
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    co_await socket.send_text(
        body("import time\nfor i in range(20):\n  print('x' * 100000)\n"
             "  time.sleep(0.02)\nopen('after.txt', 'w').write('there')"));
    co_await socket.receive();
  };
  loop_.run_until(leave(*this));
  EXPECT_EQ(run("print(open('after.txt').read())").out, "there\n");
}

TEST_F(Interpreter, AClientThatDoesNotReadIsGivenUp) {
  Outcome other;
  auto all = [&](Interpreter& t) -> Task<void> {
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_,
                                               ClientRequest{.target = "/process/interpreter/execute"});
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    co_await socket.send_text(body("for i in range(3000): print('x' * 10000)"));
    // The next run starts after the slow one got rid of its client.
    co_await talk(t, body("print('mine')"), other);
    int code = 0;
    for (bool more = true; more;) {
      auto message = co_await socket.receive();
      more = message && message->kind != WebSocket::Kind::close;
      if (message && !more) code = message->close_code;
    }
    EXPECT_EQ(code, 1008);
  };
  loop_.run_until(all(*this));
  EXPECT_EQ(other.out, "mine\n");
}

TEST_F(Interpreter, EchoesTheVersionProtocol) {
  auto open = [](Interpreter& t) -> Task<void> {
    ClientRequest request{.target = "/process/interpreter/execute"};
    request.headers.set("Sec-WebSocket-Protocol", "other, X-Daytona-SDK-Version~0.190.0");
    auto response = co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
    EXPECT_EQ(response->headers.get_or("Sec-WebSocket-Protocol"), "X-Daytona-SDK-Version~0.190.0");
    WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
    co_await socket.close(1000);
    auto message = co_await socket.receive();
    EXPECT_EQ(message->close_code, 1000);
  };
  loop_.run_until(open(*this));
}

TEST_F(Interpreter, AsyncCodeAndPicklesWork) {
  EXPECT_EQ(
      run("import asyncio\nasync def f():\n  await asyncio.sleep(0)\n  print('async')\nasyncio.run(f())").out,
      "async\n");
  EXPECT_EQ(run("import pickle\nclass P: pass\nprint(type(pickle.loads(pickle.dumps(P()))).__name__)").out,
            "P\n");
  EXPECT_EQ(run("import asyncio\nasyncio.run(asyncio.sleep(60))", {{"timeout", 1}}).code, 4008);
}

}  // namespace
}  // namespace dt::daemon::interpreter
