// Measures, in alternation, the floor program and an engine launch until the daemon is ready. One JSON object
// a line.
//   floor --rootfs DIR --work DIR [-n RUNS] [--daemon FILE] [--spawner FILE] [--burst N] [--stages]
#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <ftw.h>
#include <getopt.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "apps/runner/engine/engine.h"
#include "bench/floor/floor.h"
#include "bench/measure.h"
#include "libs/linux/cgroup.h"

#ifndef DT_TEST_INIT
#define DT_TEST_INIT ""
#define DT_TEST_SPAWNER ""
#endif

namespace dt::bench {
namespace {

using runner::Engine;
using runner::Launched;
using runner::LaunchSpec;

struct Options {
  std::string rootfs, work, daemon = DT_TEST_INIT, spawner = DT_TEST_SPAWNER;
  int runs = 100, burst = 0;
};

int remove_entry(const char* path, const struct stat*, int, FTW*) { return ::remove(path); }

class Disk {
 public:
  explicit Disk(const std::string& path) : path_(path) {
    for (const char* part : {"", "/upper", "/work"}) ::mkdir((path_ + part).c_str(), 0755);
  }
  ~Disk() { ::nftw(path_.c_str(), remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }
  std::string upper() const { return path_ + "/upper"; }
  std::string work() const { return path_ + "/work"; }

 private:
  std::string path_;
};

// The network slot, made beforehand as the runner does.
Fd make_network() {
  Fd out;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) out.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }).join();
  return out;
}

struct Prepared {
  Disk disk;
  Fd netns, listener;
  LaunchSpec spec;
};

std::unique_ptr<Prepared> prepare(const Options& options, int number) {
  std::string id = fmt::format("bench{}-{}", ::getpid(), number);
  auto p = std::unique_ptr<Prepared>(new Prepared{Disk(options.work + "/" + id),
                                                  make_network(),
                                                  Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                                                  {}});
  p->spec.id = SandboxId(id);
  p->spec.hostname = "bench";
  p->spec.rootfs = options.rootfs;
  p->spec.upper = p->disk.upper();
  p->spec.work = p->disk.work();
  p->spec.id_range = 0x50000000u + static_cast<uint32_t>(number % 4096) * 65'536u;
  p->spec.netns = p->netns.get();
  p->spec.listen_socket = p->listener.get();
  p->spec.resolv_conf = "nameserver 192.0.2.1\n";
  p->spec.limits.pids = 512;
  return p;
}

struct Stages {
  Samples clone, layers, mounts, cgroup, drop, ready, stop;
  void add(const Launched::Stages& s) {
    clone.add(s.clone_ms), layers.add(s.layers_ms), mounts.add(s.mounts_ms), cgroup.add(s.cgroup_ms),
        drop.add(s.drop_ms), ready.add(s.ready_ms);
  }
  std::string to_json() const {
    auto p = [](const Samples& v) { return v.percentile(50); };
    return fmt::format(
        R"({{"name":"engine-stages","unit":"p50 ms","clone":{:.3f},"layers":{:.3f},"mounts":{:.3f},"cgroup":{:.3f},)"
        R"("drop":{:.3f},"exec_to_ready":{:.3f},"stop":{:.3f}}})",
        p(clone), p(layers), p(mounts), p(cgroup), p(drop), p(ready), p(stop));
  }
};

double millis(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count();
}

int measure(const Options& options, Engine& engine) {
  Samples ours, theirs;
  Stages stages;
  for (int i = 0; i < options.runs; ++i) {
    auto p = prepare(options, i);
    auto start = std::chrono::steady_clock::now();
    auto launched = engine.launch(p->spec);
    if (launched) {
      ours.add(millis(start));
      stages.add(launched->stages);
      start = std::chrono::steady_clock::now();
      (void)engine.terminate(p->spec.id, launched->pidfd.get(), 0);
      stages.stop.add(millis(start));
    } else {
      fmt::print(stderr, "{}\n", launched.error().message);
      ours.fail();
    }
    Disk disk(options.work + "/floor");
    auto floor = run_floor({options.rootfs, disk.upper(), disk.work(), p->spec.id_range});
    if (!floor) {
      fmt::print(stderr, "{}\n", floor.error().message);
      return 1;
    }
    theirs.add(*floor);
  }
  print({"engine-launch", "cold", "floor", 0}, ours, theirs);
  fmt::print("{}\n", stages.to_json());
  return ours.failures() == 0 ? 0 : 1;
}

// N launches at once, from as many threads.
int measure_burst(const Options& options, Engine& engine) {
  std::vector<std::unique_ptr<Prepared>> all;
  for (int i = 0; i < options.burst; ++i) all.push_back(prepare(options, i));
  Samples ours;
  std::vector<Fd> pidfds(all.size());
  std::vector<std::thread> threads;
  std::mutex mutex;
  auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < all.size(); ++i)
    threads.emplace_back([&, i] {
      auto begin = SteadyClock::now();
      auto launched = engine.launch(all[i]->spec);
      std::lock_guard lock(mutex);
      if (!launched) {
        fmt::print(stderr, "{}\n", launched.error().message);
        return ours.fail();
      }
      ours.add(millis(begin));
      pidfds[i] = std::move(launched->pidfd);
    });
  for (auto& thread : threads) thread.join();
  double wall = millis(start);
  for (size_t i = 0; i < all.size(); ++i)
    if (pidfds[i]) (void)engine.terminate(all[i]->spec.id, pidfds[i].get(), 0);
  fmt::print(
      R"({{"name":"engine-burst","tier":"burst","n":{},"failures":{},"wall_ms":{:.1f},"per_launch_ms":{:.3f}}})"
      "\n",
      options.burst, ours.failures(), wall, wall / options.burst);
  return ours.failures() == 0 ? 0 : 1;
}

Options parse(int argc, char** argv) {
  Options out;
  const option names[] = {{"rootfs", 1, nullptr, 'r'}, {"work", 1, nullptr, 'w'},
                          {"daemon", 1, nullptr, 'd'}, {"spawner", 1, nullptr, 's'},
                          {"burst", 1, nullptr, 'b'},  {nullptr, 0, nullptr, 0}};
  for (int c; (c = ::getopt_long(argc, argv, "n:", names, nullptr)) != -1;) {
    switch (c) {
      case 'r':
        out.rootfs = optarg;
        break;
      case 'w':
        out.work = optarg;
        break;
      case 'd':
        out.daemon = optarg;
        break;
      case 's':
        out.spawner = optarg;
        break;
      case 'b':
        out.burst = std::atoi(optarg);
        break;
      case 'n':
        out.runs = std::atoi(optarg);
        break;
      default:
        std::exit(2);
    }
  }
  return out;
}

void remove_cgroup_parent(const std::string& parent) {
  if (auto all = linux_::find_cgroup_hierarchies())
    for (auto& h : *all) ::rmdir((h.mount + "/" + parent).c_str());
}

int run(int argc, char** argv) {
  Options options = parse(argc, argv);
  if (options.rootfs.empty() || options.work.empty() || ::geteuid() != 0) {
    fmt::print(stderr,
               "usage (as root): floor --rootfs DIR --work DIR [-n RUNS] [--burst N] [--daemon FILE] "
               "[--spawner FILE]\n");
    return 2;
  }
  std::string parent = fmt::format("dt-bench-{}", ::getpid());
  int result = 1;
  {
    auto engine = Engine::create(
        {.cgroup_parent = parent, .daemon_path = options.daemon, .spawner_path = options.spawner});
    if (!engine) {
      fmt::print(stderr, "{}\n", engine.error().message);
      return 1;
    }
    result = options.burst > 0 ? measure_burst(options, **engine) : measure(options, **engine);
  }
  remove_cgroup_parent(parent);
  return result;
}

}  // namespace
}  // namespace dt::bench

int main(int argc, char** argv) { return dt::bench::run(argc, argv); }
