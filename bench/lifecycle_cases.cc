// Making, stopping and asking for sandboxes.
#include <algorithm>
#include <functional>
#include <thread>

#include "bench/client.h"
#include "bench/reference.h"

namespace dt::bench {
namespace {

struct Timed {
  double ms = -1;  // negative: failed
  double cpu_ms = 0;
};

Timed stop(const Stopwatch& watch, bool ok) { return {ok ? watch.ms() : -1, watch.cpu_ms()}; }

// `ours` once and each reference once, n times over; then a line for each reference.
Task<void> alternate(Client& client, std::string name, std::function<Task<Timed>()> ours) {
  Samples mine;
  double cpu = 0;
  std::vector<Samples> theirs(client.o.references.size());
  for (int i = -3; i < client.o.n; ++i) {  // warm-up
    Timed one = co_await ours();
    if (i < 0) continue;
    one.ms >= 0 ? mine.add(one.ms) : mine.fail();
    cpu += one.cpu_ms;
    for (size_t k = 0; k < theirs.size(); ++k)
      time_one(theirs[k], [&] { return run_command(client.o.references[k].second); });
  }
  client.failures += static_cast<int>(mine.failures());
  cpu /= client.o.n;
  if (theirs.empty()) print(Row{name, client.o.tier, "none", cpu}, mine, Samples());
  for (size_t k = 0; k < theirs.size(); ++k)
    print(Row{name, client.o.tier, client.o.references[k].first, cpu}, mine, theirs[k]);
}

Task<Timed> one_create(Client& client, bool with_exec) {
  Stopwatch watch(client.o.cpu);
  std::string id = co_await client.make();
  bool ok = !id.empty();
  if (ok && with_exec) ok = co_await client.execute(id, "echo hello", "hello");
  Timed timed = stop(watch, ok);
  if (!id.empty()) ok = co_await client.remove(id);
  co_return ok ? timed : Timed{};
}

Task<Timed> one_get(Client& client, const std::string& id) {
  Stopwatch watch(client.o.cpu);
  auto reply = co_await client.call(client.o.api, "GET", "/api/sandbox/" + id);
  co_return stop(watch, reply.has_value());
}

Task<Timed> one_stop_start(Client& client, const std::string& id) {
  Stopwatch watch(client.o.cpu);
  auto stopped = co_await client.call(client.o.api, "POST", "/api/sandbox/" + id + "/stop?force=true");
  bool down = stopped && co_await client.wait_for(id, "stopped");
  auto started = co_await client.call(client.o.api, "POST", "/api/sandbox/" + id + "/start");
  bool up = started && co_await client.wait_for(id, "started");
  co_return stop(watch, down && up);
}

Task<void> create_into(Client& client, std::vector<std::string>& ids, Samples& each) {
  Stopwatch watch(client.o.cpu);
  std::string id = co_await client.make();
  id.empty() ? each.fail() : each.add(watch.ms());
  if (!id.empty()) ids.push_back(id);
}

Task<void> create_at_once(Client& client, std::vector<std::string>& ids, Samples& each) {
  TaskScope scope("burst");
  for (int i = 0; i < client.o.n; ++i) scope.spawn(create_into(client, ids, each));
  co_await scope.join();
}

}  // namespace

Task<void> bench_create(Client& client) {
  co_await alternate(client, "create", [&client] { return one_create(client, false); });
}

Task<void> bench_create_exec(Client& client) {
  co_await alternate(client, "create_exec", [&client] { return one_create(client, true); });
}

Task<void> bench_get(Client& client) {
  std::string id = co_await client.make();
  client.o.tier = "warm";
  co_await alternate(client, "get", [&client, &id] { return one_get(client, id); });
  co_await client.remove(id);
}

// Sandboxes that differ only in what lies on their disks, in turn.
Task<void> bench_stop_start(Client& client) {
  const std::vector<int>& sizes = client.o.sizes;
  std::vector<std::string> ids;
  for (int mib : sizes) {
    ids.push_back(co_await client.make());
    std::string fill =
        "head -c " + std::to_string(mib) + "m /dev/urandom >/home/daytona/data && sync && echo written";
    bool written = co_await client.execute(ids.back(), std::move(fill), "written");
    if (!written) ++client.failures;
  }
  std::vector<Samples> times(sizes.size());
  std::vector<double> cpu(sizes.size());
  for (int i = -1; i < client.o.n; ++i) {  // warm-up
    for (size_t k = 0; k < sizes.size(); ++k) {
      Timed one = co_await one_stop_start(client, ids[k]);
      if (i < 0) continue;
      one.ms >= 0 ? times[k].add(one.ms) : times[k].fail();
      cpu[k] += one.cpu_ms / client.o.n;
    }
  }
  for (size_t k = 0; k < sizes.size(); ++k) {
    client.failures += static_cast<int>(times[k].failures());
    std::string name = "stop_start_" + std::to_string(sizes[k]) + "_MiB";
    print(Row{name, "cold", "with " + std::to_string(sizes[0]) + " MiB on the disk", cpu[k]}, times[k],
          times[0]);
  }
  for (const std::string& id : ids) co_await client.remove(id);
}

// n creates at once, beside their budget: 1.3 times what they would take if the machine's cores did nothing
// but the CPU work of as many single creates.
Task<void> bench_burst(Client& client) {
  constexpr int kSingles = 20;
  Samples single, each, wall, serial, budget;
  std::vector<std::string> ids;
  Stopwatch singles(client.o.cpu);
  for (int i = 0; i < kSingles; ++i) co_await create_into(client, ids, single);
  // Making a network slot anew belongs to a create, though it happens after it.
  co_await Loop::current().sleep_for(std::chrono::milliseconds(300));
  double cpu_of_one = singles.cpu_ms() / kSingles;
  Stopwatch watch(client.o.cpu);
  co_await create_at_once(client, ids, each);
  wall.add(watch.ms());
  double cpu = watch.cpu_ms();
  client.failures += static_cast<int>(each.failures() + single.failures());
  double cores = std::max(1U, std::thread::hardware_concurrency());
  serial.add(single.percentile(50) * client.o.n);
  budget.add(cpu_of_one * client.o.n / cores);
  print(Row{"burst_wall", "burst", "n creates one after another", cpu}, wall, serial);
  print(Row{"burst_wall", "burst", "CPU time of n creates / cores (goal 1.3)", cpu}, wall, budget);
  print(Row{"burst_each", "burst", "one create", cpu_of_one}, each, single);
  for (const std::string& id : ids) co_await client.remove(id);
}

}  // namespace dt::bench
