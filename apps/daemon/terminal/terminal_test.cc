// The web terminal through the daemon's own port proxy.
#include "apps/daemon/terminal/terminal.h"

#include "apps/daemon/pty_testing.h"

namespace dt::daemon {
namespace {

constexpr auto kPage = "/proxy/22222/";
constexpr auto kSocket = "/proxy/22222/ws";

struct TerminalTest : PtyDaemonTest {
  // Output comes as text.
  std::unique_ptr<PtyClient> open() {
    auto client = attach(kSocket, {}, "");
    client->text_is_output = true;
    return client;
  }
};

TEST_F(TerminalTest, PageAndItsFiles) {
  auto page = get(kPage);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.get_or("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("xterm.js"), std::string::npos);
  for (std::string name : {"xterm.js", "xterm.css", "xterm-addon-fit.js"}) {
    Headers headers;
    headers.set("Accept-Encoding", "br, gzip;q=0.8");
    auto file = call("GET", kPage + name, "", headers);
    EXPECT_EQ(file.status, 200);
    EXPECT_EQ(file.headers.get_or("Content-Encoding"), "gzip");
    put(at("file.gz"), file.body);
    EXPECT_EQ(execute("gzip -t file.gz").exit_code, 0);
    EXPECT_EQ(get(kPage + name).status, 406);
    headers.set("Accept-Encoding", "gzip;q=0, br");
    EXPECT_EQ(call("GET", kPage + name, "", headers).status, 406);
  }
  EXPECT_EQ(get("/proxy/22222/none").status, 404);
  EXPECT_EQ(post(kPage).status, 404);
  EXPECT_EQ(get(kSocket).status, 400);
}

TEST_F(TerminalTest, ShellRunsInTheRootDirectory) {
  auto client = open();
  client->type("pwd; echo $TERM $SHELL; tty; exit\n");
  client->finish();
  EXPECT_NE(client->output.find("\r\n/\r\nxterm-256color /"), std::string::npos) << client->output;
  EXPECT_NE(client->output.find("/dev/pts/"), std::string::npos);
  EXPECT_EQ(client->close_code, 1000);
}

TEST_F(TerminalTest, OnlyExactSizeRequestsAreNoInput) {
  auto client = open();
  client->type_text(R"({"rows":33,"cols":111})");
  client->type("stty size; cat >typed\n");
  client->until("33 111");
  const std::string inputs[] = {R"({"rows":1,"cols":2,"x":3})", R"({"rows":1})",
                                R"({"rows":"1","cols":2})",     R"({"rows":0,"cols":5})",
                                R"({"rows":1.5,"cols":2})",     R"([1,2])",
                                R"({"a":{"rows":1,"cols":2}})"};
  std::string expected;
  for (const std::string& text : inputs) {
    client->type_text(text + "\n");
    expected += text + "\n";
  }
  // The same bytes as a size request, pasted in our page.
  client->type(R"({"rows":5,"cols":6})"
               "\n");
  expected += "{\"rows\":5,\"cols\":6}\n";
  client->type("\x04");
  client->type("stty size; cp /typed " + at("typed") + "; rm /typed; echo fin\"ished\"\n");
  client->until("finished");
  EXPECT_EQ(content(at("typed")), expected);
  EXPECT_EQ(client->output.find("5 6\r\n"), std::string::npos);
}

TEST_F(TerminalTest, OutputIsValidUtf8WhateverTheProgramWrites) {
  auto client = open();
  // The client closes with 1007 on text that is no UTF-8.
  client->type(
      "head -c 3000000 /dev/urandom; for i in 1 2 3; do printf '\\342\\202'; sleep 0.05; printf '\\254'; "
      "done; "
      "stty sane; printf 'fin''ished\\n'\n");
  client->until("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
  EXPECT_FALSE(client->ended);
}

TEST_F(TerminalTest, ShellIsHungUpWhenTheClientLeaves) {
  for (bool politely : {true, false}) {
    auto client = open();
    client->type("sleep 1131\n");
    for (int i = 0; i < 100 && execute("pgrep -f '^sleep 1131$'").exit_code != 0; ++i) sleep(Millis(20));
    EXPECT_EQ(execute("pgrep -f '^sleep 1131$'").exit_code, 0);
    if (politely) client->leave();
    client.reset();
    for (int i = 0; i < 100 && execute("pgrep -f '^sleep 1131$'").exit_code == 0; ++i) sleep(Millis(20));
    EXPECT_EQ(execute("pgrep -f '^sleep 1131$'").exit_code, 1);
  }
}

TEST_F(TerminalTest, EveryConnectionHasItsOwnShell) {
  auto first = open(), second = open();
  first->type("Y=one; echo $Y-$((1+1))\n");
  second->type("echo $Y-$((1+2))\n");
  first->until("one-2");
  second->until("-3\r\n");
  EXPECT_EQ(second->output.find("one-"), std::string::npos);
}

}  // namespace
}  // namespace dt::daemon
