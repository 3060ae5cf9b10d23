// Commands in a running sandbox.
#include "bench/client.h"
#include "bench/reference.h"

namespace dt::bench {
namespace {

constexpr const char* kBody = R"({"command":"echo hello"})";

Task<double> one_exec(Client& client, Endpoint to, std::string target) {
  Stopwatch watch(client.o.cpu);
  auto reply = co_await client.call(to, "POST", std::move(target), kBody);
  double ms = watch.ms();
  co_return reply && reply->body.find("hello") != std::string::npos ? ms : -1;
}

}  // namespace

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
