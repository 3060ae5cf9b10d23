// What the sandbox uses of its limits: from the cgroup files it can see (v2, else v1), else from /proc.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libs/base/clock.h"

namespace dt::daemon {

struct Usage {
  double cpu_count = 1;
  uint64_t cpu_time_us = 0;
  uint64_t memory_total = 0, memory_used = 0, memory_cache = 0;
  uint64_t disk_total = 0, disk_used = 0, disk_free = 0;
};

// Blocks. `cgroup_root` is the mount of the cgroup file systems, `disk` any path on the sandbox's disk.
Usage read_usage(const std::string& cgroup_root = "/sys/fs/cgroup", const std::string& disk = "/");

// Turns usage into the answer; the CPU percentage is that since the last call, 0 on the first.
class MetricsReport {
 public:
  std::string json(const Usage& usage, Mono now);

 private:
  struct Sample {
    Mono at;
    uint64_t cpu_time_us;
  };
  std::optional<Sample> last_;
};

}  // namespace dt::daemon
