// Language servers through the daemon's routes, with a real server that misbehaves on demand
// (test_server.py).
#include <signal.h>

#include <algorithm>
#include <map>
#include <vector>

#include "apps/daemon/testing.h"

namespace dt::daemon {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

class Lsp : public DaemonTest {
 protected:
  explicit Lsp(std::string mode = "") : mode_(std::move(mode)) {}

  void configure(Config& config) override {
    fs::create_directory(at("bin"));
    fs::create_directory(at("project"));
    old_path_ = ::getenv("PATH");
    ::setenv("PATH", (at("bin") + ":" + old_path_).c_str(), 1);
    ::setenv("TEST_LSP", mode_.c_str(), 1);
    ::setenv("TEST_LSP_INIT", at("init.json").c_str(), 1);
    config.environment = environ;
    install("pylsp");
    put(at("project/sample.py"), "def alpha\nx\ndef beta_Word\n");
  }
  void TearDown() override {
    DaemonTest::TearDown();
    for (const char* name : {"TEST_LSP", "TEST_LSP_INIT"}) ::unsetenv(name);
    ::setenv("PATH", old_path_.c_str(), 1);
  }
  void install(const std::string& name) const {
    std::string text = content((fs::path(__FILE__).parent_path() / "test_server.py").string());
    put(at("bin/" + name), "#!/usr/bin/env python3\n" + text);
    fs::permissions(at("bin/" + name), fs::perms::all);
  }

  static bj::object server(std::string_view language = "python", std::string_view project = "project") {
    return {{"languageId", language}, {"pathToProject", project}};
  }
  Reply send(std::string_view what, bj::object body = server(), bj::object more = {}) {
    for (auto& item : more) body[item.key()] = item.value();
    return post("/lsp/" + std::string(what), bj::serialize(body));
  }
  Reply open(std::string_view uri) { return send("did-open", server(), {{"uri", uri}}); }
  Reply close(std::string_view uri) { return send("did-close", server(), {{"uri", uri}}); }
  static std::string search_target(std::string_view query, std::string_view language = "python") {
    return "/lsp/workspacesymbols?languageId=" + std::string(language) +
           "&pathToProject=project&query=" + percent_encode(query);
  }
  Reply search(std::string_view query) { return get(search_target(query)); }
  Reply symbols(std::string_view uri) {
    return get("/lsp/document-symbols?languageId=python&pathToProject=project&uri=" + percent_encode(uri));
  }
  static std::vector<std::string> names(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::vector<std::string> out;
    if (reply.status != 200) return out;
    bj::value list = json(reply);
    for (const bj::value& item : list.as_array()) {
      EXPECT_EQ(item.as_object().size(), 3u) << reply.body;
      out.emplace_back(item.at("name").as_string());
    }
    return out;
  }
  std::string name(std::string_view query) {
    auto found = names(search(query));
    return found.size() == 1 ? found[0] : join(found, ",");
  }
  static std::string message(const Reply& reply) { return member(reply, "message"); }
  void start() {
    Reply reply = send("start");
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, "");
  }
  // Dead and not reaped any more counts as gone: the daemon of a test is not the parent of all.
  bool lives(const std::string& pid) const {
    std::string text = content("/proc/" + pid + "/stat");
    return !text.empty() && text[text.rfind(')') + 2] != 'Z';
  }
  void expect_gone(const std::string& pid) {
    for (int i = 0; i < 500 && lives(pid); ++i) loop_.run_until(pause());
    EXPECT_FALSE(lives(pid)) << pid;
  }
  static Task<void> pause() { co_await Loop::current().sleep_for(Millis(10)); }

  // Calls at once, in this order.
  std::vector<Reply> at_once(std::vector<std::string> targets) {
    std::vector<Reply> replies(targets.size());
    loop_.run_until(all(*this, targets, replies));
    return replies;
  }
  static Task<void> one(Lsp& t, std::string target, Reply& reply, Mono deadline = kNever) {
    CallContext ctx;
    ctx.deadline = deadline;
    auto got =
        co_await t.client_.call(std::move(ctx), t.endpoint_, ClientRequest{.target = target}, 64u << 20);
    if (got) reply = std::move(*got);
  }
  // Goes on in the background of the test.
  static Task<void> begin_one(Lsp& t, std::string target) {
    t.scope_->spawn(one(t, std::move(target), t.late_));
    co_return;
  }
  void expect_late_reply() {
    for (int i = 0; i < 1000 && late_.status == 0; ++i) loop_.run_until(pause());
    EXPECT_EQ(late_.status, 400) << late_.body;
    EXPECT_NE(late_.body.find("the language server pylsp was stopped"), std::string::npos) << late_.body;
  }
  static Task<void> all(Lsp& t, std::vector<std::string>& targets, std::vector<Reply>& replies) {
    TaskScope scope("calls");
    for (size_t i = 0; i < targets.size(); ++i) scope.spawn(one(t, targets[i], replies[i]));
    co_await scope.join();
  }

  std::string mode_, old_path_;
  Reply late_{0, {}, ""};
};

class PlainLsp : public Lsp {
 protected:
  PlainLsp() : Lsp("plain") {}
};
class BrokenLsp : public Lsp {
 protected:
  BrokenLsp() : Lsp("broken") {}
};
class NestedLsp : public Lsp {
 protected:
  NestedLsp() : Lsp("nested") {}
};
class StubbornLsp : public Lsp {
 protected:
  StubbornLsp() : Lsp("stubborn") {}
};

TEST_F(Lsp, StartsTellsOfItselfAndStops) {
  start();
  std::string pid = name("pid");
  start();
  EXPECT_EQ(name("pid"), pid) << "one process";
  bj::value init = bj::parse(content(at("init.json")));
  EXPECT_EQ(init.at("rootUri"), bj::value("file://" + dir_ + "/project"));
  EXPECT_EQ(init.at("processId"), ::getpid());
  EXPECT_EQ(
      init.at("capabilities").at("textDocument").at("documentSymbol").at("hierarchicalDocumentSymbolSupport"),
      false);
  Reply stopped = send("stop");
  EXPECT_EQ(stopped.status, 200) << stopped.body;
  expect_gone(pid);
  Reply again = send("stop");
  EXPECT_EQ(again.status, 500);
  EXPECT_NE(message(again).find("was started in project"), std::string::npos) << again.body;
  Reply late = search("x");
  EXPECT_EQ(late.status, 400);
  EXPECT_EQ(member(late, "code"), "LSP_SERVER_NOT_INITIALIZED");
}

TEST_F(Lsp, OneProjectHasManyNames) {
  start();
  std::string pid = name("pid");
  EXPECT_EQ(send("start", server("python", dir_ + "/project/")).status, 200);
  EXPECT_EQ(send("start", server("python", "file://project")).status, 200);
  EXPECT_EQ(name("pid"), pid);
  EXPECT_EQ(send("start", server("python", "other")).status, 200);
  auto other = names(get("/lsp/workspacesymbols?languageId=python&pathToProject=other&query=pid"));
  ASSERT_EQ(other.size(), 1u);
  EXPECT_NE(other[0], pid);
}

TEST_F(Lsp, RefusesWhatItDoesNotKnow) {
  Reply unknown = send("start", server("cobol"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(message(unknown).find("unsupported language: cobol; take one of "), std::string::npos);
  EXPECT_EQ(send("start", {{"languageId", "python"}}).status, 400);
  EXPECT_EQ(post("/lsp/start", "").status, 400);
  EXPECT_EQ(post("/lsp/start", "[1]").status, 400);
  EXPECT_EQ(open("project/sample.py").status, 400);
  EXPECT_EQ(get("/lsp/workspacesymbols?languageId=cobol&pathToProject=p&query=x").status, 400);
  start();
  EXPECT_EQ(search("").status, 400);
  EXPECT_EQ(get("/lsp/document-symbols?languageId=python&uri=x").status, 400);
  EXPECT_EQ(send("did-open").status, 400);
  Reply missing = open("file://project/nowhere.py");
  EXPECT_EQ(missing.status, 400);
  EXPECT_NE(message(missing).find("nowhere.py: No such file or directory"), std::string::npos)
      << missing.body;
  EXPECT_EQ(open("file://project").status, 400);
  EXPECT_EQ(symbols("file://project/nowhere.py").status, 400);
}

TEST_F(Lsp, NamesTheProgramThatIsMissing) {
  ::setenv("PATH", old_path_.c_str(), 1);
  EXPECT_EQ(
      post("/env", bj::serialize(bj::object{{"set", {{"PATH", at("empty")}, {"HOME", at("empty")}}}})).status,
      200);
  for (const auto& [language, program] : std::map<std::string, std::string>{
           {"python", "pylsp is not in PATH; install it with `pip install python-lsp-server`"},
           {"javascript", "typescript-language-server is not in PATH"},
           {"go", "gopls is not in PATH"},
           {"rust", "rust-analyzer is not in PATH"},
           {"c", "clangd is not in PATH"},
           {"cpp", "clangd is not in PATH"}}) {
    Reply reply = send("start", server(language));
    EXPECT_EQ(reply.status, 500) << language;
    EXPECT_NE(message(reply).find(program), std::string::npos) << reply.body;
  }
}

TEST_F(Lsp, PythonFallsBackToTheOtherServer) {
  fs::remove(at("bin/pylsp"));
  install("typescript-language-server");
  start();
  EXPECT_EQ(open("file://project/sample.py").status, 200);
  EXPECT_EQ(name("documents"), "typescript 1 def alpha\nx\ndef beta_Word");
}

TEST_F(Lsp, DocumentsAreOpenedChangedAndClosed) {
  start();
  EXPECT_EQ(names(search("documents")).size(), 0u);
  EXPECT_EQ(open("file://project/sample.py").status, 200);
  EXPECT_EQ(name("documents"), "python 1 def alpha\nx\ndef beta_Word");
  EXPECT_EQ(open("file://project/sample.py").status, 200) << "again";
  EXPECT_EQ(name("documents"), "python 1 def alpha\nx\ndef beta_Word");
  put(at("project/sample.py"), "def gamma \"\xff\"\n");
  EXPECT_EQ(names(symbols("file://project/sample.py")), std::vector<std::string>{"gamma"}) << "read again";
  EXPECT_EQ(name("documents"), "python 2 def gamma \"\xef\xbf\xbd\"");
  fs::remove(at("project/sample.py"));
  EXPECT_EQ(names(symbols("file://project/sample.py")), std::vector<std::string>{"gamma"}) << "still open";
  EXPECT_EQ(close("file://project/sample.py").status, 200);
  EXPECT_EQ(names(search("documents")).size(), 0u);
  EXPECT_EQ(close("file://project/sample.py").status, 200);
}

TEST_F(Lsp, SymbolsOfADocument) {
  start();
  Reply reply = symbols("file://project/sample.py");
  EXPECT_EQ(names(reply), (std::vector<std::string>{"alpha", "beta_Word"})) << "without did-open";
  bj::value first = json(reply).as_array()[1];
  EXPECT_EQ(first, bj::parse(R"({"kind":12,"location":{"uri":"file://project/sample.py","range":{
    "start":{"line":2,"character":4},"end":{"line":2,"character":4}}},"name":"beta_Word"})"));
  EXPECT_EQ(names(search("documents")).size(), 0u) << "closed again";
  put(at("project/empty.py"), "");
  EXPECT_EQ(symbols("file://project/empty.py").body, "[]");
}

TEST_F(Lsp, NamesOfDocumentsComeBackAsTheyWere) {
  start();
  put(at("project/a b#ü%20.py"), "def odd\n");
  put(at("project/é.py"), "def encoded\n");
  for (std::string uri :
       {"file://project/a b#ü%20.py", "project/a b#ü%20.py", "file://./project/a b#ü%20.py"}) {
    Reply reply = symbols(uri);
    EXPECT_EQ(names(reply), std::vector<std::string>{"odd"});
    EXPECT_EQ(json(reply).as_array()[0].at("location").at("uri"), bj::value(uri));
  }
  std::string absolute = "file://" + dir_ + "/project/a b#ü%20.py";
  EXPECT_EQ(json(symbols(absolute)).as_array()[0].at("location").at("uri"), bj::value(absolute));
  EXPECT_EQ(names(symbols("file://" + dir_ + "/project/%C3%A9.py")), std::vector<std::string>{"encoded"});
  EXPECT_EQ(open(absolute).status, 200);
  EXPECT_EQ(json(search("documents")).as_array()[0].at("location").at("uri"), bj::value(absolute));
}

TEST_F(Lsp, Completions) {
  start();
  auto ask = [&](bj::object more) {
    more["uri"] = "file://project/sample.py";
    return send("completions", server(), more);
  };
  Reply reply = ask({{"position", {{"line", 0}, {"character", 0}}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  bj::value list = json(reply);
  EXPECT_EQ(list.at("isIncomplete"), false);
  EXPECT_EQ(list.at("items").as_array()[0],
            bj::value({{"label", "file://" + dir_ + "/project/sample.py 0:0 null"},
                       {"kind", 3},
                       {"detail", "d"},
                       {"insertText", "word()"}}));
  EXPECT_EQ(list.at("items").as_array()[1],
            bj::parse(R"({"label":"x","documentation":{"kind":"markdown","value":"v"}})"));
  reply = ask({{"position", {{"line", 0}, {"character", 7}}},
               {"context", {{"triggerKind", 2}, {"triggerCharacter", "."}}}});
  EXPECT_NE(reply.body.find(R"(0:7 {\"triggerKind\": 2, \"triggerCharacter\": \".\"})"), std::string::npos)
      << reply.body;
  EXPECT_EQ(ask({{"position", {{"line", 1}, {"character", 0}}}}).body,
            R"({"isIncomplete":false,"items":[]})");
  EXPECT_EQ(ask({{"position", {{"line", 1}}}}).status, 400);
  EXPECT_EQ(ask({{"position", {{"line", -1}, {"character", 0}}}}).status, 400);
  EXPECT_EQ(ask({{"position", "here"}}).status, 400);
  EXPECT_EQ(ask({{"position", {{"line", 0}, {"character", 0}}}, {"context", "x"}}).status, 400);
  EXPECT_EQ(ask({}).status, 400);
}

TEST_F(Lsp, AnswersMeetTheirQuestionsInAnyOrder) {
  start();
  std::vector<std::string> targets = {search_target("later")};
  for (int i = 0; i < 50; ++i) targets.push_back(search_target("q" + std::to_string(i)));
  auto replies = at_once(targets);
  EXPECT_EQ(names(replies[0]), std::vector<std::string>{"later"});
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(names(replies[i + 1]), std::vector<std::string>{"q" + std::to_string(i)});
}

TEST_F(Lsp, ReadsWhatServersWrite) {
  start();
  EXPECT_EQ(name("bytes"), "bytes");
  EXPECT_EQ(name("noise"), "noise");
  EXPECT_EQ(name("surrogate"), "a\xef\xbf\xbdz");
  EXPECT_EQ(name("asks"), R"(["q1", [null, null], 77, null])");
  EXPECT_EQ(names(search("big")).size(), 10000u);
  EXPECT_EQ(search("null").body, "[]");
  Reply refused = search("refuse");
  EXPECT_EQ(refused.body, "[]") << "then the files are looked at";
  EXPECT_EQ(name("modified"), "modified");
}

TEST_F(Lsp, ACrashIsToldAndTheNextCallStartsAgain) {
  start();
  std::string pid = name("pid");
  EXPECT_EQ(open("file://project/sample.py").status, 200);
  auto replies = at_once({search_target("hang"), search_target("crash")});
  for (const Reply& reply : replies) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(message(reply).find("the language server pylsp ended with exit code 3"), std::string::npos)
        << reply.body;
    EXPECT_NE(message(reply).find("Traceback: the reason of the crash"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(name("documents"), "python 1 def alpha\nx\ndef beta_Word") << "opened again";
  EXPECT_NE(name("pid"), pid);
  search("crash");
  EXPECT_EQ(close("file://project/sample.py").status, 200);
  start();
  EXPECT_EQ(names(search("documents")).size(), 0u);
  ::kill(std::stoi(name("pid")), SIGKILL);
  for (int i = 0; i < 2; ++i) search("x");
  EXPECT_EQ(name("x"), "x");
}

TEST_F(Lsp, NonsenseEndsTheServerAndIsQuoted) {
  start();
  for (const auto& [query, why] :
       std::map<std::string, std::string>{{"garbage", "sent no messages but \"xxxx"},
                                          {"huge", "sent a message of 1073741824 bytes"},
                                          {"not json", "sent something that is not a JSON object"},
                                          {"quit", "closed its output"}}) {
    std::string pid = name("pid");
    Reply reply = search(query);
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(message(reply).find("the language server pylsp " + why), std::string::npos) << reply.body;
    expect_gone(pid);
  }
  EXPECT_EQ(name("x"), "x");
}

TEST_F(Lsp, ACallEndsWithItsClient) {
  start();
  Reply none{0, {}, ""};
  loop_.run_until(one(*this, search_target("hang"), none, after(Millis(300))));
  EXPECT_EQ(none.status, 0);
  for (int i = 0; i < 200 && name("cancelled") != "1"; ++i) loop_.run_until(pause());
  EXPECT_EQ(name("cancelled"), "1");
}

TEST_F(Lsp, StopLeavesNothing) {
  start();
  std::string child = name("child");
  EXPECT_TRUE(lives(child));
  EXPECT_EQ(send("stop").status, 200);
  expect_gone(child);
}

TEST_F(Lsp, TheDaemonsEndIsTheirs) {
  start();
  std::string child = name("child"), pid = name("pid");
  loop_.run_until(begin_one(*this, search_target("hang")));
  EXPECT_EQ(name("x"), "x");
  daemon_->stop();
  expect_late_reply();
  expect_gone(pid);
  expect_gone(child);
}

TEST_F(StubbornLsp, IsKilled) {
  start();
  std::string pid = name("pid");
  loop_.run_until(begin_one(*this, search_target("hang")));
  EXPECT_EQ(send("stop").status, 200);
  expect_gone(pid);
  expect_late_reply();
}

TEST_F(BrokenLsp, SaysWhyItDoesNotStart) {
  for (int i = 0; i < 2; ++i) {
    Reply reply = send("start");
    EXPECT_EQ(reply.status, 500);
    EXPECT_NE(message(reply).find(
                  "the language server pylsp does not start: the language server pylsp ended with exit "
                  "code 1: ModuleNotFoundError"),
              std::string::npos)
        << reply.body;
  }
  EXPECT_EQ(member(search("x"), "code"), "LSP_SERVER_NOT_INITIALIZED");
}

TEST_F(NestedLsp, TreesOfSymbolsBecomeFlat) {
  start();
  Reply reply = symbols("file://project/sample.py");
  EXPECT_EQ(names(reply), (std::vector<std::string>{"outer", "alpha", "beta_Word"}));
  EXPECT_EQ(json(reply).as_array()[2].at("location").at("uri"), "file://project/sample.py");
  EXPECT_EQ(json(reply).as_array()[2].at("location").at("range").at("start").at("line"), 1);
}

TEST_F(PlainLsp, SymbolsOfTheProjectAreCollected) {
  for (const char* path :
       {"project/sub/deep", "project/.hidden", "project/node_modules/m", "project/env", "elsewhere"})
    fs::create_directories(at(path));
  put(at("project/sub/deep/b.py"), "def WORDS\ndef other\n");
  put(at("project/env/pyvenv.cfg"), "");
  for (const char* path :
       {"project/.hidden/x.py", "project/node_modules/m/x.py", "project/env/x.py", "project/x.js"})
    put(at(path), "def words\n");
  put(at("elsewhere/opened.py"), "def a_word\n");
  start();
  Reply reply = search("Word");
  EXPECT_EQ(names(reply), (std::vector<std::string>{"beta_Word", "WORDS"}));
  EXPECT_EQ(json(reply).as_array()[1].at("location").at("uri"), "file://project/sub/deep/b.py");
  EXPECT_EQ(open("file://elsewhere/opened.py").status, 200);
  EXPECT_EQ(names(search("word")), (std::vector<std::string>{"beta_Word", "WORDS", "a_word"}));
  EXPECT_EQ(search("nobody").body, "[]");
}

}  // namespace
}  // namespace dt::daemon
