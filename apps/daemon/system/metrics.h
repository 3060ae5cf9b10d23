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

// Turns usage into the answer. The CPU percentage is that since the sample before, so whoever asks after a
// long time takes two: nothing samples while nobody asks.
class MetricsReport {
 public:
  // The sample before is missing, or so old that it says nothing about now.
  bool stale(Mono now) const;
  void sample(const Usage& usage, Mono now);
  std::string json(const Usage& usage) const;

 private:
  struct Sample {
    Mono at;
    uint64_t cpu_time_us;
  };
  std::optional<Sample> last_;
  double percent_ = 0;
};

}  // namespace dt::daemon
