// For tests: the daemon with an empty home directory, and a client of its terminals.
#pragma once
#include "apps/daemon/testing.h"
#include "libs/net/websocket.h"

namespace dt::daemon {

class PtyClient {
 public:
  PtyClient(Loop& loop, ClientResponse response)
      : protocol(response.headers.get_or("Sec-WebSocket-Protocol")),
        loop_(loop),
        response_(std::move(response)) {
    std::string early = response_.take_buffered();
    socket.emplace(response_.upgraded(), early, WebSocket::Role::client, 64u << 20);
  }
  ~PtyClient() { reading_.stop_now(); }

  void type(std::string bytes) { loop_.run_until(send(*this, std::move(bytes), false)); }
  void type_text(std::string text) { loop_.run_until(send(*this, std::move(text), true)); }
  // Reads until the output (from the beginning) contains the text.
  void until(std::string_view text) {
    loop_.run_until(read(*this, text, after(std::chrono::seconds(20))));
    EXPECT_NE(output.find(text), std::string::npos)
        << "not seen: " << text << "\nin: " << output.substr(0, 2000);
  }
  void until_received(uint64_t bytes) {
    while (received < bytes && !ended) loop_.run_until(read_one(*this, after(std::chrono::seconds(20))));
    EXPECT_FALSE(ended);
  }
  void until_connected() {
    while (controls.empty() && !ended) loop_.run_until(read_one(*this, after(std::chrono::seconds(10))));
  }
  void finish() {
    loop_.run_until(read_to_end(*this));
    EXPECT_TRUE(ended);
  }
  // Reads beside whatever else the loop does.
  void start_reading() { loop_.run_until(spawn_reading(*this)); }
  void leave() {
    loop_.run_until(close(*this));
    finish();
  }

  std::string protocol, output;
  std::vector<std::string> controls;
  int close_code = 0;
  std::string close_reason;
  bool ended = false;
  uint64_t received = 0;
  bool keep_output = true;
  bool text_is_output = false;
  std::optional<WebSocket> socket;

 private:
  static Task<void> send(PtyClient& c, std::string bytes, bool text) {
    auto sent = text ? co_await c.socket->send_text(bytes) : co_await c.socket->send_binary(bytes);
    EXPECT_TRUE(sent.has_value());
  }
  static Task<void> close(PtyClient& c) {
    auto closed = co_await c.socket->close(1000);
    EXPECT_TRUE(closed.has_value());
  }
  static Task<void> read(PtyClient& c, std::string_view text, Mono deadline) {
    while (!c.ended && c.output.find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) co_return;
      co_await read_one(c, deadline);
    }
  }
  static Task<void> read_to_end(PtyClient& c) {
    Mono deadline = after(std::chrono::seconds(120));
    while (!c.ended && std::chrono::steady_clock::now() < deadline) co_await read_one(c, deadline);
  }
  static Task<void> spawn_reading(PtyClient& c) {
    c.reading_.spawn(read_to_end(c));
    co_return;
  }
  static Task<void> read_one(PtyClient& c, Mono deadline) {
    if (c.busy_) {  // start_reading() does it
      co_await Loop::current().sleep_for(Millis(5));
      co_return;
    }
    c.busy_ = true;
    auto message = co_await c.socket->receive(deadline);
    c.busy_ = false;
    if (!message) {
      c.ended = message.error().code != Code::timeout;
      co_return;
    }
    c.received += message->data.size();
    bool text = message->kind == WebSocket::Kind::text;
    bool shown = text ? c.text_is_output : message->kind == WebSocket::Kind::binary;
    if (shown && c.keep_output) c.output += message->data;
    if (text && !shown) c.controls.push_back(message->data);
    if (message->kind != WebSocket::Kind::close) co_return;
    c.close_code = message->close_code;
    c.close_reason = message->data;
    c.ended = true;
  }

  Loop& loop_;
  ClientResponse response_;
  bool busy_ = false;
  TaskScope reading_{"client"};
};

class PtyDaemonTest : public DaemonTest {
 public:
  void SetUp() override {
    ::setenv("PS1", "$ ", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::unsetenv("TERM");
    DaemonTest::SetUp();
    // The shell reads its start files from here; zsh asks questions when it finds none.
    put(at(".zshrc"), "");
    EXPECT_EQ(post("/env", "{\"set\":{\"HOME\":\"" + dir_ + "\"}}").status, 200);
  }

  void sleep(Millis time) {
    loop_.run_until([](Millis t) -> Task<void> { co_await Loop::current().sleep_for(t); }(time));
  }

  // `wait_for`: "connected" control message, unless "".
  std::unique_ptr<PtyClient> attach(std::string target, std::vector<std::string> protocols = {},
                                    std::string_view wait_for = "connected") {
    auto response = loop_.run_until(open(*this, std::move(target), join(protocols, ", ")));
    if (!response) {
      ADD_FAILURE() << response.error().message;
      std::abort();
    }
    auto client = std::make_unique<PtyClient>(loop_, std::move(*response));
    if (wait_for.empty()) return client;
    client->until_connected();
    EXPECT_NE(client->controls.empty() ? std::string::npos : client->controls[0].find(wait_for),
              std::string::npos);
    return client;
  }

  // The HTTP answer to a handshake that is refused.
  Reply refusal(std::string target, const std::vector<std::string>& protocols) {
    Headers headers = handshake(join(protocols, ", "));
    headers.set("Connection", "Upgrade");
    headers.set("Upgrade", "websocket");
    headers.set("Sec-WebSocket-Version", "13");
    headers.set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
    return call("GET", std::move(target), "", headers);
  }

 private:
  static Headers handshake(const std::string& protocols) {
    Headers headers;
    if (!protocols.empty()) headers.set("Sec-WebSocket-Protocol", protocols);
    return headers;
  }
  static Task<Result<ClientResponse>> open(PtyDaemonTest& t, std::string target, std::string protocols) {
    ClientRequest request{.target = std::move(target), .headers = handshake(protocols)};
    co_return co_await websocket_connect(t.client_, CallContext(), t.endpoint_, std::move(request));
  }
};

}  // namespace dt::daemon
