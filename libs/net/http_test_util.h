// For the tests of this folder: a server on a free port, a raw connection, small readers.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>

#include "libs/net/http_client.h"
#include "libs/net/http_server.h"

namespace dt::test {

// Runs the task on a loop of its own; a test that hangs fails after `limit`.
template <class T>
T run(Task<T> task, Millis limit = Millis(60'000)) {
  Loop loop;
  TaskScope scope("test watchdog");
  loop.post([&] {
    scope.spawn([](Millis wait) -> Task<void> {
      co_await Loop::current().sleep_for(wait);
      CHECK(!"the test took too long");
    }(limit));
  });
  if constexpr (std::is_void_v<T>) {
    loop.run_until(std::move(task));
    scope.stop_now();
  } else {
    T out = loop.run_until(std::move(task));
    scope.stop_now();
    return out;
  }
}

struct TestServer {
  HttpServer server;
  Listener listener;
  TaskScope scope{"test server"};
  Endpoint endpoint;

  explicit TestServer(Handler handler, HttpLimits limits = {},
                      Endpoint at = {.host = "127.0.0.1", .port = 0, .unix_path = {}})
      : server(std::move(handler), limits), listener(std::move(*Listener::bind(at))), endpoint(at) {
    if (at.unix_path.empty()) endpoint.port = listener.port();
    scope.spawn(server.serve(listener));
  }
  Task<void> stop() {
    co_await server.drain(after(Millis(50)));
    co_await scope.join();
  }
};

inline Task<Stream> open(const Endpoint& to) {
  auto stream = co_await connect(to, after(Millis(5'000)));
  CHECK(stream.has_value());
  co_return std::move(*stream);
}

// Everything until the peer ends, or until `until` is seen.
inline Task<std::string> read_until(Stream& stream, std::string until = {},
                                    Mono deadline = after(Millis(20'000))) {
  std::string out;
  char buffer[4096];
  for (;;) {
    auto got = co_await stream.read_some(buffer, deadline);
    if (!got || *got == 0) co_return out;
    out.append(buffer, *got);
    if (!until.empty() && out.find(until) != std::string::npos) co_return out;
  }
}

// Sends raw bytes on a new connection and returns everything that comes back until the server closes.
inline Task<std::string> raw_exchange(Endpoint to, std::string bytes) {
  Stream stream = co_await open(to);
  auto sent = co_await stream.write_all(bytes);
  (void)sent;
  co_return co_await read_until(stream);
}

inline size_t count_of(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

// Feeds fixed pieces.
class PieceReader final : public BodyReader {
 public:
  explicit PieceReader(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<std::string_view>> next() override {
    while (at_ < pieces_.size() && pieces_[at_].empty()) ++at_;
    if (at_ == pieces_.size()) co_return std::string_view();
    co_return std::string_view(pieces_[at_++]);
  }
  std::optional<uint64_t> length() const override { return std::nullopt; }

 private:
  std::vector<std::string> pieces_;
  size_t at_ = 0;
};

struct TempDir {
  std::filesystem::path path;
  TempDir() {
    char name[] = "/tmp/dt_net_XXXXXX";
    path = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
};

}  // namespace dt::test
