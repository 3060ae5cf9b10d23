#include "apps/runner/jobs/capacity.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>

#include "libs/base/fd.h"

namespace dt::runner {
namespace {

constexpr double kGiB = 1ull << 30;

// A field of /proc/meminfo in bytes.
double meminfo(const std::string& text, const char* key) {
  size_t pos = text.find(key);
  unsigned long long kb = 0;
  if (pos == std::string::npos || std::sscanf(text.c_str() + pos + std::strlen(key), ": %llu", &kb) != 1)
    return 0;
  return static_cast<double>(kb) * 1024;
}

}  // namespace

contract::RunnerMetrics CapacityProbe::sample(const Sandboxes::Totals& totals) {
  contract::RunnerMetrics m;
  m.cpu = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (auto stat = read_file("/proc/stat", 1u << 20)) {
    unsigned long long v[8] = {};
    std::sscanf(stat->c_str(), "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3, v + 4,
                v + 5, v + 6, v + 7);
    uint64_t idle = v[3] + v[4], total = 0;
    for (auto x : v) total += x;
    uint64_t busy = total - idle;
    if (total > last_total_ && last_total_ > 0)
      m.currentCpuUsagePercentage =
          100.0 * static_cast<double>(busy - last_busy_) / static_cast<double>(total - last_total_);
    last_busy_ = busy, last_total_ = total;
  }
  if (auto load = read_file("/proc/loadavg", 4096))
    m.currentCpuLoadAverage = std::atof(load->c_str()) / m.cpu;
  if (auto mem = read_file("/proc/meminfo", 1u << 16)) {
    double all = meminfo(*mem, "MemTotal"), free = meminfo(*mem, "MemAvailable");
    m.memoryGiB = all / kGiB;
    if (all > 0) m.currentMemoryUsagePercentage = 100.0 * (all - free) / all;
  }
  struct statvfs fs{};
  if (::statvfs(state_dir_.c_str(), &fs) == 0 && fs.f_blocks > 0) {
    double all = static_cast<double>(fs.f_blocks) * static_cast<double>(fs.f_frsize);
    double free = static_cast<double>(fs.f_bavail) * static_cast<double>(fs.f_frsize);
    m.diskGiB = all / kGiB;
    m.currentDiskUsagePercentage = 100.0 * (all - free) / all;
  }
  m.currentAllocatedCpu = static_cast<double>(totals.cpus);
  m.currentAllocatedMemoryGiB = static_cast<double>(totals.memory_gib);
  m.currentAllocatedDiskGiB = static_cast<double>(totals.disk_gib);
  m.currentStartedSandboxes = static_cast<double>(totals.started);
  return m;
}

}  // namespace dt::runner
