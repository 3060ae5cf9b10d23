// Output of programs as it streams to a client: a terminal and the log of a session's command. --n is MiB
// here.
#include <unistd.h>

#include <cstdio>

#include "bench/client.h"
#include "bench/reference.h"
#include "libs/net/websocket.h"

namespace dt::bench {
namespace {

constexpr int kRounds = 5;
constexpr const char* kFile = "/home/daytona/lines";

// The same lines on the host, for the references.
class HostFile {
 public:
  HostFile(const std::string& shell, int mib) {
    std::string line(99, 'x');
    run_shell(shell, "yes " + line + " | head -c " + std::to_string(mib) + "m >" + path_ + "; echo written",
              "written");
  }
  ~HostFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/var/tmp/dt-bench-lines-" + std::to_string(::getpid());
};

Task<Result<ClientResponse>> open_socket(Client& client, std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  request.headers.set("Authorization", "Bearer " + client.o.key);
  auto response = co_await websocket_connect(client.http, client.ctx, client.o.proxy, std::move(request));
  if (!response) std::fprintf(stderr, "%s\n", response.error().message.c_str());
  co_return response;
}

// Receives until `expected` bytes came (true) or the other side closed.
Task<bool> receive_all(WebSocket& socket, size_t expected) {
  for (size_t got = 0; got < expected;) {
    auto message = co_await socket.receive();
    if (!message || message->kind == WebSocket::Kind::close) co_return false;
    if (message->kind == WebSocket::Kind::binary) got += message->data.size();
  }
  co_return true;
}

double rate_of(size_t bytes, double ms) { return static_cast<double>(bytes) / 1e3 / ms; }
// A terminal turns each newline into two characters; so many more bytes of each line of 100 arrive.
size_t with_returns(size_t bytes) { return bytes + bytes / 100; }

// MB/s of `cat` in a terminal, negative: failed.
Task<double> one_pty(Client& client, const std::string& id, std::string name, size_t bytes) {
  std::string body = R"({"id":")" + name + R"(","lazyStart":true})";
  auto made = co_await client.toolbox(id, "POST", "/process/pty", std::move(body));
  if (!made) co_return -1;
  auto response = co_await open_socket(client, "/toolbox/" + id + "/process/pty/" + name + "/connect");
  if (!response) co_return -1;
  WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
  Stopwatch watch(client.o.cpu);
  Status sent = co_await socket.send_binary(std::string("cat ") + kFile + "; exit\n");
  bool ok = sent && co_await receive_all(socket, with_returns(bytes));
  double ms = watch.ms();
  co_return ok ? rate_of(bytes, ms) : -1;
}

Task<double> one_log(Client& client, const std::string& id, size_t bytes) {
  Stopwatch watch(client.o.cpu);
  std::string exec = R"({"command":"cat )" + std::string(kFile) + R"(","runAsync":true})";
  auto started = co_await client.toolbox(id, "POST", "/process/session/bench/exec", std::move(exec));
  if (!started) co_return -1;
  constexpr std::string_view kField = "\"cmdId\":\"";
  size_t at = started->body.find(kField);
  if (at == std::string::npos) co_return -1;
  std::string command = started->body.substr(at + kField.size(), 36);
  auto response = co_await open_socket(
      client, "/toolbox/" + id + "/process/session/bench/command/" + command + "/logs?follow=true");
  if (!response) co_return -1;
  WebSocket socket(response->upgraded(), response->take_buffered(), WebSocket::Role::client);
  bool ok = co_await receive_all(socket, bytes);
  co_return ok ? rate_of(bytes, watch.ms()) : -1;
}

struct Rates {
  Samples ours, theirs;
  double cpu_ms = 0;
};

void count(Rates& rates, double ours, double theirs, double cpu_ms) {
  ours < 0 ? rates.ours.fail() : rates.ours.add(ours);
  theirs <= 0 ? rates.theirs.fail() : rates.theirs.add(theirs);
  rates.cpu_ms += cpu_ms / kRounds;
}

void report(Client& client, const Row& row, const Rates& rates) {
  size_t failed = rates.ours.failures() + rates.theirs.failures();
  client.failures += static_cast<int>(failed);
  print_rate(Row{row.name, row.tier, row.reference, rates.cpu_ms}, rates.ours.size(), failed,
             rates.ours.percentile(50), rates.theirs.percentile(50), "MB/s");
}

}  // namespace

Task<void> bench_pty(Client& client) {
  const size_t bytes = static_cast<size_t>(client.o.n) << 20;
  std::string id = co_await client.make();
  HostFile file(client.o.shell, client.o.n);
  Rates rates;
  bool ready = co_await client.make_lines(id, client.o.n, kFile);
  for (int i = 0; ready && i < kRounds; ++i) {
    Stopwatch watch(client.o.cpu);
    double ours = co_await one_pty(client, id, "bench" + std::to_string(i), bytes);
    double cpu = watch.cpu_ms();
    double theirs = socket_rate("/bin/sh", "exec script -qec 'cat " + file.path() + "' /dev/null");
    count(rates, ours, theirs / 1.01, cpu);  // its carriage returns do not count either
  }
  if (!ready) rates.ours.fail();
  report(client, Row{"pty_output", "warm", "script into a socket"}, rates);
  co_await client.remove(id);
}

Task<void> bench_log(Client& client) {
  const size_t bytes = static_cast<size_t>(client.o.n) << 20;
  std::string id = co_await client.make();
  HostFile file(client.o.shell, client.o.n);
  Rates rates;
  bool ready = co_await client.make_lines(id, client.o.n, kFile);
  auto session = co_await client.toolbox(id, "POST", "/process/session", R"({"sessionId":"bench"})");
  for (int i = 0; ready && session && i < kRounds; ++i) {
    Stopwatch watch(client.o.cpu);
    double ours = co_await one_log(client, id, bytes);
    double cpu = watch.cpu_ms();
    count(rates, ours, socket_rate(client.o.shell, "cat " + file.path()), cpu);
  }
  if (!ready || !session) rates.ours.fail();
  report(client, Row{"log_stream", "warm", "cat into a socket"}, rates);
  co_await client.remove(id);
}

}  // namespace dt::bench
