// Commands in a running sandbox.
#include "bench/client.h"
#include "bench/reference.h"

namespace dt::bench {
namespace {

constexpr int kRate = 1000;
constexpr const char* kBody = R"({"command":"echo hello"})";

Task<double> one_exec(Client& client, Endpoint to, std::string target) {
  Stopwatch watch(client.o.cpu);
  auto reply = co_await client.call(to, "POST", std::move(target), kBody);
  double ms = watch.ms();
  co_return reply && reply->body.find("hello") != std::string::npos ? ms : -1;
}

struct Schedule {
  SteadyClock::time_point start;
  int next = 0, count;
  Samples times;
};

// Takes the next exec of the schedule, waits for its time, runs it, until there is none.
Task<void> keep_pace(Client& client, const std::string& id, Schedule& schedule) {
  while (schedule.next < schedule.count) {
    auto due = schedule.start + std::chrono::microseconds(1'000'000 / kRate * schedule.next++);
    if (due > SteadyClock::now()) co_await Loop::current().sleep_until(due);
    double ms = co_await one_exec(client, client.o.proxy, "/toolbox/" + id + "/process/execute");
    ms < 0 ? schedule.times.fail() : schedule.times.add(ms);
  }
}

}  // namespace

// kRate execs a second for --n seconds through the proxy: the rate that was reached.
Task<void> bench_exec_rate(Client& client) {
  constexpr int kAtOnce = 16;
  std::string id = client.o.sandbox;
  Stopwatch watch(client.o.cpu);
  Schedule schedule{.start = SteadyClock::now(), .count = kRate * client.o.n, .times = {}};
  {
    TaskScope scope("execs");
    for (int i = 0; i < kAtOnce; ++i) scope.spawn(keep_pace(client, id, schedule));
    co_await scope.join();
  }
  double rate = schedule.count / (watch.ms() / 1e3);
  client.failures += static_cast<int>(schedule.times.failures());
  print_rate(Row{"exec_rate", "warm", "goal", watch.cpu_ms() / schedule.count}, schedule.times.size(),
             schedule.times.failures(), rate, kRate, "execs/s");
}

// A command in a session beside a line to a shell that lives on.
Task<void> bench_session(Client& client) {
  std::string id = co_await client.make();
  auto made = co_await client.toolbox(id, "POST", "/process/session", R"({"sessionId":"bench"})");
  LivingShell shell(client.o.shell);
  Samples ours, theirs;
  double cpu = 0;
  for (int i = -3; made && i < client.o.n; ++i) {  // warm-up
    Stopwatch watch(client.o.cpu);
    auto reply = co_await client.toolbox(id, "POST", "/process/session/bench/exec", kBody);
    double ms = watch.ms();
    bool ok = reply && reply->body.find("hello") != std::string::npos;
    if (i < 0) continue;
    cpu += watch.cpu_ms() / client.o.n;
    ok ? ours.add(ms) : ours.fail();
    time_one(theirs, [&] { return shell.run("echo hello", "hello"); });
  }
  client.failures += static_cast<int>(ours.failures() + theirs.failures()) + (made ? 0 : 1);
  print(Row{"session_command", "warm", "a line to a shell over pipes", cpu}, ours, theirs);
  co_await client.remove(id);
}

// The same command three ways, in turn: through proxy and runner, straight to the daemon, and by this program
// alone.
Task<void> bench_exec(Client& client) {
  std::string id = co_await client.make();
  Samples whole, daemon, alone;
  double whole_cpu = 0, daemon_cpu = 0;
  for (int i = -3; i < client.o.n; ++i) {  // warm-up
    Stopwatch watch(client.o.cpu);
    double through = co_await one_exec(client, client.o.proxy, "/toolbox/" + id + "/process/execute");
    double cpu = watch.cpu_ms();
    double direct = co_await one_exec(client, client.daemon(id), "/process/execute");
    double both = watch.cpu_ms();
    if (i < 0) continue;
    through < 0 ? whole.fail() : whole.add(through);
    direct < 0 ? daemon.fail() : daemon.add(direct);
    whole_cpu += cpu;
    daemon_cpu += both - cpu;
    time_one(alone, [&] { return run_shell(client.o.shell, "echo hello", "hello"); });
  }
  client.failures += static_cast<int>(whole.failures() + daemon.failures() + alone.failures());
  const char* reference = "vfork, exec and wait of the same shell with the same script";
  print(Row{"exec", "warm", reference, whole_cpu / client.o.n}, whole, alone);
  print(Row{"exec_daemon_alone", "warm", reference, daemon_cpu / client.o.n}, daemon, alone);
  co_await client.remove(id);
}

}  // namespace dt::bench
