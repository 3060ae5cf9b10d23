// Benches of a running server through its public API, each beside a reference command in alternation.
//   server_bench --api HOST:PORT --proxy HOST:PORT --key KEY --case NAME --n N [--reference NAME=COMMAND]...
// Cases: create, create_exec, exec, burst, get, stop_start, upload, download. Prints one JSON object per
// reference.
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "bench/measure.h"
#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"
#include "libs/net/http_client.h"

extern char** environ;

namespace dt::bench {
namespace {

struct Options {
  Endpoint api, proxy;
  std::string key, which;
  int n = 50;
  std::string tier = "cold";
  std::vector<std::pair<std::string, std::string>> references;  // name, shell command
};

struct Created {
  std::string id, state;
};
BOOST_DESCRIBE_STRUCT(Created, (), (id, state))

// Runs `sh -c command` and waits; the reference engines are programs. The shell replaces itself by the
// command.
bool run_command(const std::string& command) {
  std::string script = "exec " + command;
  const char* argv[] = {"sh", "-c", script.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  bool ok = ::posix_spawn(&pid, "/bin/sh", &actions, nullptr, const_cast<char**>(argv), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  return ok && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Bench {
 public:
  explicit Bench(Options options) : o_(std::move(options)) {}

  Task<int> run() {
    using Case = Task<void> (Bench::*)();
    const std::pair<const char*, Case> cases[] = {
        {"create", &Bench::create}, {"create_exec", &Bench::create_exec},
        {"exec", &Bench::exec},     {"burst", &Bench::burst},
        {"get", &Bench::get},       {"stop_start", &Bench::stop_start},
        {"upload", &Bench::upload}, {"download", &Bench::download},
    };
    for (const auto& [name, body] : cases) {
      if (o_.which != name) continue;
      co_await (this->*body)();
      co_return failures_ ? 1 : 0;
    }
    std::fprintf(stderr, "no such case: %s\n", o_.which.c_str());
    co_return 2;
  }

 private:
  Task<Result<HttpClient::Reply>> call(const Endpoint& to, std::string method, std::string target,
                                       std::string body = {}) {
    ClientRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.set("Authorization", "Bearer " + o_.key);
    if (!body.empty()) request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    auto reply = co_await client_.call(ctx_, to, std::move(request), size_t{64} << 20);
    if (reply && reply->status >= 300) {
      std::fprintf(stderr, "%d %s\n", reply->status, reply->body.substr(0, 300).c_str());
      co_return fail(code_from_status(reply->status), reply->body);
    }
    if (!reply) std::fprintf(stderr, "%s\n", reply.error().message.c_str());
    co_return reply;
  }

  Task<std::string> make() {
    auto reply = co_await call(o_.api, "POST", "/api/sandbox", R"({"labels":{"bench":"1"}})");
    if (!reply) co_return "";
    auto created = decode<Created>(reply->body);
    co_return created && created->state == "started" ? created->id : "";
  }
  Task<bool> remove(const std::string& id) {
    auto reply = co_await call(o_.api, "DELETE", "/api/sandbox/" + id);
    co_return reply.has_value();
  }
  Task<bool> echo(const std::string& id) {
    auto reply =
        co_await call(o_.proxy, "POST", "/toolbox/" + id + "/process/execute", R"({"command":"echo hello"})");
    co_return reply && reply->body.find("hello") != std::string::npos;
  }
  Task<bool> wait_for(const std::string& id, std::string state) {
    for (int i = 0; i < 2000; ++i) {
      auto reply = co_await call(o_.api, "GET", "/api/sandbox/" + id);
      auto got = reply ? decode<Created>(reply->body) : Result<Created>(Created{});
      if (got && got->state == state) co_return true;
      co_await Loop::current().sleep_for(std::chrono::milliseconds(1));
    }
    co_return false;
  }
  static double since(SteadyClock::time_point start) {
    return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
  }

  // `ours` once and each reference once, n times over; then a line for each reference.
  Task<void> alternate(std::string name, std::function<Task<double>()> ours) {
    Samples mine;
    std::vector<Samples> theirs(o_.references.size());
    for (int i = 0; i < o_.n + 3; ++i) {
      double ms = co_await ours();
      if (i < 3) continue;  // warm-up
      ms >= 0 ? mine.add(ms) : mine.fail();
      for (size_t k = 0; k < theirs.size(); ++k)
        time_one(theirs[k], [&] { return run_command(o_.references[k].second); });
    }
    failures_ += static_cast<int>(mine.failures());
    if (theirs.empty()) print(Row{name, o_.tier, "none"}, mine, Samples());
    for (size_t k = 0; k < theirs.size(); ++k)
      print(Row{name, o_.tier, o_.references[k].first}, mine, theirs[k]);
  }

  Task<double> one_create(bool with_exec) {
    auto start = SteadyClock::now();
    std::string id = co_await make();
    if (id.empty()) co_return -1;
    bool ok = true;
    if (with_exec) ok = co_await echo(id);
    double ms = since(start);
    bool gone = co_await remove(id);
    co_return ok&& gone ? ms : -1;
  }
  Task<void> create() {
    co_await alternate("create", [this] { return one_create(false); });
  }
  Task<void> create_exec() {
    co_await alternate("create_exec", [this] { return one_create(true); });
  }

  Task<double> one_exec(const std::string& id) {
    auto start = SteadyClock::now();
    bool ok = co_await echo(id);
    co_return ok ? since(start) : -1;
  }
  Task<void> exec() {
    std::string id = co_await make();
    o_.tier = "warm";
    co_await alternate("exec", [this, &id] { return one_exec(id); });
    co_await remove(id);
  }

  Task<double> one_get(const std::string& id) {
    auto start = SteadyClock::now();
    auto reply = co_await call(o_.api, "GET", "/api/sandbox/" + id);
    co_return reply ? since(start) : -1;
  }
  Task<void> get() {
    std::string id = co_await make();
    o_.tier = "warm";
    co_await alternate("get", [this, &id] { return one_get(id); });
    co_await remove(id);
  }

  Task<double> one_stop_start(const std::string& id) {
    auto start = SteadyClock::now();
    auto stopped = co_await call(o_.api, "POST", "/api/sandbox/" + id + "/stop?force=true");
    bool down = stopped.has_value() && co_await wait_for(id, "stopped");
    auto started = co_await call(o_.api, "POST", "/api/sandbox/" + id + "/start");
    bool up = started.has_value() && co_await wait_for(id, "started");
    co_return down&& up ? since(start) : -1;
  }
  Task<void> stop_start() {
    std::string id = co_await make();
    o_.tier = "cold";
    co_await alternate("stop_start", [this, &id] { return one_stop_start(id); });
    co_await remove(id);
  }

  Task<void> create_into(std::vector<std::string>& ids, Samples& each) {
    auto start = SteadyClock::now();
    std::string id = co_await make();
    id.empty() ? each.fail() : each.add(since(start));
    if (!id.empty()) ids.push_back(id);
  }
  // n creates at once: the wall time of all, beside n times one create on the same machine.
  Task<void> burst() {
    Samples single, each, wall;
    for (int i = 0; i < 10; ++i) single.add(co_await one_create(false));
    std::vector<std::string> ids;
    auto start = SteadyClock::now();
    {
      TaskScope scope("burst");
      for (int i = 0; i < o_.n; ++i) scope.spawn(create_into(ids, each));
      co_await scope.join();
    }
    wall.add(since(start));
    failures_ += static_cast<int>(each.failures());
    Samples serial;
    serial.add(single.percentile(50) * o_.n);
    print(Row{"burst_wall", "burst", "n creates one after another"}, wall, serial);
    print(Row{"burst_each", "burst", "one create"}, each, single);
    for (const std::string& id : ids) co_await remove(id);
  }

  // Bytes through the proxy beside the same bytes through one TCP connection over loopback.
  static double loopback_rate(size_t bytes) {
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), raw, size) < 0 || ::listen(listener.get(), 1) < 0 ||
        ::getsockname(listener.get(), raw, &size) < 0 || ::connect(to.get(), raw, size) < 0)
      return 0;
    Fd from(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string block(256 * 1024, 'x'), into(256 * 1024, 0);
    auto start = SteadyClock::now();
    std::thread writer([&] {
      for (size_t done = 0; done < bytes;) {
        ssize_t n = ::write(to.get(), block.data(), std::min(block.size(), bytes - done));
        if (n <= 0) break;
        done += static_cast<size_t>(n);
      }
      ::shutdown(to.get(), SHUT_WR);
    });
    while (::read(from.get(), into.data(), into.size()) > 0) {
    }
    writer.join();
    return static_cast<double>(bytes) / 1e6 / (since(start) / 1e3);
  }

  class Blob : public BodyReader {
   public:
    Blob(std::string head, size_t bytes, std::string tail)
        : parts_{std::move(head), std::string(256 * 1024, 'x'), std::move(tail)}, left_(bytes) {}
    Task<Result<std::string_view>> next() override {
      if (stage_ == 0) {
        stage_ = 1;
        co_return std::string_view(parts_[0]);
      }
      if (left_ > 0) {
        size_t n = std::min(left_, parts_[1].size());
        left_ -= n;
        co_return std::string_view(parts_[1]).substr(0, n);
      }
      if (stage_ == 1) {
        stage_ = 2;
        co_return std::string_view(parts_[2]);
      }
      co_return std::string_view();
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }

   private:
    std::string parts_[3];
    size_t left_;
    int stage_ = 0;
  };

  Task<bool> put_blob(const std::string& id, size_t bytes) {
    const std::string boundary = "------------------------benchboundary";
    Blob blob(
        "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\r\n",
        bytes, "\r\n--" + boundary + "--\r\n");
    ClientRequest request;
    request.method = "POST";
    request.target = "/toolbox/" + id + "/files/upload?path=/tmp/blob";
    request.headers.set("Authorization", "Bearer " + o_.key);
    request.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary);
    request.body_reader = &blob;
    auto reply = co_await client_.call(ctx_, o_.proxy, std::move(request));
    if (!reply || reply->status >= 300)
      std::fprintf(stderr, "upload: %s\n", reply ? reply->body.c_str() : reply.error().message.c_str());
    co_return reply && reply->status < 300;
  }
  Task<int64_t> get_blob(const std::string& id) {
    ClientRequest request;
    request.target = "/toolbox/" + id + "/files/download?path=/tmp/blob";
    request.headers.set("Authorization", "Bearer " + o_.key);
    auto response = co_await client_.send(ctx_, o_.proxy, std::move(request));
    if (!response || response->status != 200) co_return -1;
    int64_t total = 0;
    for (;;) {
      auto piece = co_await response->body().next();
      if (!piece) co_return -1;
      if (piece->empty()) co_return total;
      total += static_cast<int64_t>(piece->size());
    }
  }

  Task<void> transfer(bool up) {
    const size_t bytes = static_cast<size_t>(o_.n) << 20;  // --n is MiB here
    std::string id = co_await make();
    std::vector<double> ours, theirs;
    bool ready = co_await put_blob(id, bytes);
    for (int i = 0; ready && i < 5; ++i) {
      auto start = SteadyClock::now();
      bool ok = false;
      if (up) {
        ok = co_await put_blob(id, bytes);
      } else {
        int64_t got = co_await get_blob(id);
        ok = got == static_cast<int64_t>(bytes);
      }
      if (!ok) ++failures_;
      ours.push_back(static_cast<double>(bytes) / 1e6 / (since(start) / 1e3));
      theirs.push_back(loopback_rate(bytes));
    }
    if (!ready) ++failures_;
    std::sort(ours.begin(), ours.end());
    std::sort(theirs.begin(), theirs.end());
    if (ready)
      print_rate(Row{up ? "upload" : "download", "warm", "TCP loopback copy"}, 5, ours[2], theirs[2], "MB/s");
    co_await remove(id);
  }
  Task<void> upload() { co_await transfer(true); }
  Task<void> download() { co_await transfer(false); }

  Options o_;
  HttpClient client_;
  CallContext ctx_;
  int failures_ = 0;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string name = argv[i], value = argv[i + 1];
    if (name == "--api") o.api = Endpoint::parse(value).value();
    if (name == "--proxy") o.proxy = Endpoint::parse(value).value();
    if (name == "--key") o.key = value;
    if (name == "--case") o.which = value;
    if (name == "--tier") o.tier = value;
    if (name == "--n") o.n = std::atoi(value.c_str());
    if (name == "--reference")
      o.references.emplace_back(value.substr(0, value.find('=')), value.substr(value.find('=') + 1));
  }
  return o;
}

}  // namespace
}  // namespace dt::bench

int main(int argc, char** argv) {
  dt::Loop loop;
  dt::bench::Bench bench(dt::bench::parse(argc, argv));
  return loop.run_until(bench.run());
}
