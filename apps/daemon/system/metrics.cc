#include "apps/daemon/system/metrics.h"

#include <dirent.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "apps/daemon/http/timestamp.h"
#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr Millis kFresh{30'000}, kShortest{50};

std::optional<std::string> content(const std::string& path) {
  auto text = read_file(path, 1 << 20);
  if (!text) return std::nullopt;
  return std::string(trim(*text));
}

std::optional<uint64_t> number_in(const std::string& path) {
  auto text = content(path);
  auto value = text ? parse_int(*text) : std::nullopt;
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

// The value of "key value" or "key:   value kB" among lines.
std::optional<uint64_t> keyed(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view rest = line.substr(key.size());
    if (rest.empty() || (rest[0] != ' ' && rest[0] != ':')) continue;
    rest.remove_prefix(1);
    bool kilo = rest.ends_with(" kB");
    if (kilo) rest.remove_suffix(3);
    auto value = parse_int(trim(rest));
    if (value && *value >= 0) return static_cast<uint64_t>(*value) * (kilo ? 1024 : 1);
  }
  return std::nullopt;
}

uint64_t keyed_or_zero(std::string_view text, std::string_view key) { return keyed(text, key).value_or(0); }

double allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

void read_memory_of_machine(Usage& usage) {
  std::string info = content("/proc/meminfo").value_or("");
  usage.memory_total = keyed_or_zero(info, "MemTotal");
  usage.memory_cache = keyed_or_zero(info, "Cached");
  usage.memory_used = usage.memory_total - std::min(usage.memory_total, keyed_or_zero(info, "MemAvailable"));
}

// What one process and the children it has waited for have used, in ticks.
uint64_t ticks_of(std::string_view stat) {
  size_t name_end = stat.rfind(')');  // the name may contain anything
  if (name_end == std::string_view::npos) return 0;
  uint64_t ticks = 0;
  size_t field = 2;
  for (std::string_view value : split(stat.substr(name_end + 1), ' ')) {
    if (value.empty()) continue;
    ++field;  // utime, stime, cutime, cstime
    if (field >= 14 && field <= 17) ticks += static_cast<uint64_t>(parse_int(value).value_or(0));
  }
  return ticks;
}

// Where no group accounts for it: everything that runs, and through PID 1 most of what has run.
uint64_t cpu_time_of_processes() {
  struct Closer {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  std::unique_ptr<DIR, Closer> proc(::opendir("/proc"));
  uint64_t ticks = 0;
  while (dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (auto stat = content("/proc/" + std::string(entry->d_name) + "/stat")) ticks += ticks_of(*stat);
  }
  return ticks * 1'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
}

bool read_cgroup2(const std::string& root, Usage& usage) {
  auto cpu = content(root + "/cpu.stat");
  auto current = number_in(root + "/memory.current");
  if (!cpu || !current) return false;
  usage.cpu_time_us = keyed_or_zero(*cpu, "usage_usec");
  std::string memory = content(root + "/memory.stat").value_or("");
  usage.memory_cache = keyed_or_zero(memory, "file");
  usage.memory_used = *current - std::min(*current, keyed_or_zero(memory, "inactive_file"));
  if (auto limit = number_in(root + "/memory.max")) usage.memory_total = *limit;
  std::vector<std::string_view> quota;
  std::string max = content(root + "/cpu.max").value_or("");
  quota = split(max, ' ');
  if (quota.size() == 2 && parse_double(quota[0]) && parse_double(quota[1]).value_or(0) > 0)
    usage.cpu_count = *parse_double(quota[0]) / *parse_double(quota[1]);
  return true;
}

// Each hierarchy may be visible or not.
void read_cgroup1(const std::string& root, Usage& usage) {
  auto quota = number_in(root + "/cpu/cpu.cfs_quota_us");
  auto period = number_in(root + "/cpu/cpu.cfs_period_us");
  if (quota && period && *period > 0)
    usage.cpu_count = static_cast<double>(*quota) / static_cast<double>(*period);
  auto cpu = number_in(root + "/cpuacct/cpuacct.usage");
  usage.cpu_time_us = cpu ? *cpu / 1000 : cpu_time_of_processes();
  auto current = number_in(root + "/memory/memory.usage_in_bytes");
  if (!current) return;
  std::string memory = content(root + "/memory/memory.stat").value_or("");
  usage.memory_cache = keyed_or_zero(memory, "total_cache");
  usage.memory_used = *current - std::min(*current, keyed_or_zero(memory, "total_inactive_file"));
  auto limit = number_in(root + "/memory/memory.limit_in_bytes");
  if (limit && *limit < usage.memory_total) usage.memory_total = *limit;
}

void read_disk(const std::string& path, Usage& usage) {
  struct statvfs fs{};
  if (::statvfs(path.c_str(), &fs) != 0) return;
  usage.disk_total = fs.f_blocks * fs.f_frsize;
  usage.disk_free = fs.f_bavail * fs.f_frsize;
  usage.disk_used = (fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}

}  // namespace

Usage read_usage(const std::string& cgroup_root, const std::string& disk) {
  Usage usage;
  usage.cpu_count = allowed_cpus();
  read_memory_of_machine(usage);
  if (!read_cgroup2(cgroup_root, usage)) read_cgroup1(cgroup_root, usage);
  read_disk(disk, usage);
  return usage;
}

bool MetricsReport::stale(Mono now) const { return !last_ || now - last_->at > kFresh; }

void MetricsReport::sample(const Usage& usage, Mono now) {
  bool first = !last_ || usage.cpu_time_us < last_->cpu_time_us;
  if (!first && now - last_->at < kShortest) return;  // too short to tell anything
  if (!first) {
    double elapsed = std::chrono::duration<double, std::micro>(now - last_->at).count();
    double used = static_cast<double>(usage.cpu_time_us - last_->cpu_time_us);
    percent_ = std::clamp(100.0 * used / (elapsed * usage.cpu_count), 0.0, 100.0);
  }
  last_ = Sample{now, usage.cpu_time_us};
}

std::string MetricsReport::json(const Usage& usage) const {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  std::string out = "{\"cpuCount\":" + std::to_string(static_cast<int64_t>(std::ceil(usage.cpu_count))) +
                    ",\"cpuUsedPct\":";
  codec::write_double(out, percent_);
  auto member = [&out](std::string_view name, uint64_t value) {
    out += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  member("memTotal", usage.memory_total);
  member("memUsed", usage.memory_used);
  member("memCache", usage.memory_cache);
  member("diskTotal", usage.disk_total);
  member("diskUsed", usage.disk_used);
  member("diskFree", usage.disk_free);
  member("timestampUnix", static_cast<uint64_t>(wall.tv_sec));
  return out + ",\"timestamp\":\"" + rfc3339(wall) + "\"}";
}

}  // namespace dt::daemon
