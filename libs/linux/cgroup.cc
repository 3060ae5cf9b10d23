#include "libs/linux/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <set>
#include <thread>

#include "libs/base/clock.h"
#include "libs/base/text.h"

namespace dt::linux_ {
namespace {

// freezer and cpuacct are for hosts without a v2 hierarchy.
constexpr std::array<std::string_view, 3> kNeeded = {"memory", "cpu", "pids"};
constexpr std::array<std::string_view, 2> kWithoutUnified = {"freezer", "cpuacct"};

Status write_value(const std::string& path, const std::string& value) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  if (::write(fd.get(), value.data(), value.size()) < 0) return fail_errno("write " + value + " to " + path);
  return {};
}

uint64_t read_number(const std::string& path) {
  auto text = read_file(path, 4096);
  if (!text) return 0;
  return static_cast<uint64_t>(parse_int(trim(*text)).value_or(0));
}

// "key value" lines, as in memory.stat and cpu.stat.
uint64_t read_keyed(const std::string& path, std::string_view key) {
  auto text = read_file(path, 1 << 16);
  if (!text) return 0;
  for (std::string_view line : split(*text, '\n'))
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return static_cast<uint64_t>(parse_int(trim(line.substr(key.size() + 1))).value_or(0));
  return 0;
}

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno("mkdir " + path);
  return {};
}

// mountinfo: id parent dev root mountpoint options - fstype source superoptions
std::optional<CgroupHierarchy> parse_mount(std::string_view line) {
  size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  auto head = split(line.substr(0, dash), ' ');
  auto tail = split(line.substr(dash + 3), ' ');
  if (head.size() < 5 || tail.size() < 3 || head[3] != "/") return std::nullopt;
  CgroupHierarchy h;
  h.mount = std::string(head[4]);
  if (tail[0] == "cgroup2") {
    if (auto text = read_file(h.mount + "/cgroup.controllers", 4096))
      for (auto name : split(trim(*text), ' ')) h.controllers.emplace_back(name);
    return h;
  }
  if (tail[0] != "cgroup") return std::nullopt;
  h.version = 1;
  for (auto name : split(tail[2], ',')) h.controllers.emplace_back(name);
  return h;
}

}  // namespace

bool CgroupHierarchy::has(std::string_view controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

Result<std::vector<CgroupHierarchy>> find_cgroup_hierarchies() {
  TRY(std::string text, read_file("/proc/self/mountinfo"));
  std::vector<CgroupHierarchy> out;
  for (std::string_view line : split(text, '\n'))
    if (auto h = parse_mount(line)) out.push_back(std::move(*h));
  return out;
}

Result<Cgroups> Cgroups::open(std::string parent) {
  TRY(auto all, find_cgroup_hierarchies());
  Cgroups out;
  out.parent_ = std::move(parent);
  bool unified = std::any_of(all.begin(), all.end(), [](auto& h) { return h.version == 2; });
  std::set<std::string_view> missing(kNeeded.begin(), kNeeded.end());
  for (auto& h : all) {
    bool use = h.version == 2 && out.unified() == nullptr;
    for (auto name : kNeeded) use |= h.has(name) && missing.erase(name) > 0;
    if (!unified)
      for (auto name : kWithoutUnified) use |= h.has(name);
    if (use) out.used_.push_back(h);
  }
  if (!missing.empty())
    return fail(Code::unavailable, "this host's control groups lack the controller " +
                                       std::string(*missing.begin()) +
                                       ": mount the cgroup2 file system, or a v1 hierarchy with it");
  for (auto& h : out.used_) TRY_VOID(out.make_parent(h));
  return out;
}

Status Cgroups::make_parent(const CgroupHierarchy& h) const {
  std::string at = h.mount;
  auto enable = [&] {
    if (h.version != 2) return;
    for (auto name : kNeeded)
      if (h.has(name)) (void)write_value(at + "/cgroup.subtree_control", "+" + std::string(name));
  };
  enable();
  for (std::string_view part : split(parent_, '/')) {
    at += "/" + std::string(part);
    TRY_VOID(make_directory(at));
    enable();
  }
  return {};
}

const CgroupHierarchy* Cgroups::unified() const {
  for (auto& h : used_)
    if (h.version == 2) return &h;
  return nullptr;
}

const CgroupHierarchy* Cgroups::with(std::string_view controller) const {
  for (auto& h : used_)
    if (h.has(controller)) return &h;
  return nullptr;
}

Result<std::optional<Fd>> Cgroups::create_first(const std::string& name) const {
  const CgroupHierarchy* h = unified();
  if (h == nullptr) return std::nullopt;
  TRY_VOID(make_directory(dir(*h, name)));
  TRY(Fd fd, open_file(dir(*h, name).c_str(), O_RDONLY | O_DIRECTORY));
  return fd;
}

Status Cgroups::create_rest(const std::string& name) const {
  for (auto& h : used_)
    if (h.version == 1) TRY_VOID(make_directory(dir(h, name)));
  return {};
}

Result<std::vector<Fd>> Cgroups::doors(const std::string& name) const {
  std::vector<Fd> out;
  for (auto& h : used_) {
    if (h.version != 1) continue;
    TRY(Fd fd, open_file((dir(h, name) + "/cgroup.procs").c_str(), O_WRONLY));
    out.push_back(std::move(fd));
  }
  return out;
}

Status Cgroups::set_limits(const std::string& name, const CgroupLimits& limits) const {
  std::string bytes = std::to_string(limits.memory_bytes);
  const CgroupHierarchy* memory = with("memory");
  std::string m = dir(*memory, name);
  if (memory->version == 2) {
    TRY_VOID(write_value(m + "/memory.max", bytes));
    (void)write_value(m + "/memory.swap.max", "0");  // absent where the host has no swap accounting
  } else {
    // memsw must never be below the plain limit, so the order depends on the direction.
    Status first = write_value(m + "/memory.limit_in_bytes", bytes);
    Status both = write_value(m + "/memory.memsw.limit_in_bytes", bytes);
    if (!first) TRY_VOID(write_value(m + "/memory.limit_in_bytes", bytes));
    if (!both) (void)write_value(m + "/memory.swappiness", "0");
  }
  return write_value(dir(*with("pids"), name) + "/pids.max", std::to_string(limits.pids));
}

Status Cgroups::set_cpus(const std::string& name, double cpus) const {
  const CgroupHierarchy* cpu = with("cpu");
  auto quota = std::max<int64_t>(1000, static_cast<int64_t>(cpus * 100'000));
  if (cpu->version == 2) return write_value(dir(*cpu, name) + "/cpu.max", std::to_string(quota) + " 100000");
  return write_value(dir(*cpu, name) + "/cpu.cfs_quota_us", std::to_string(quota));
}

Status Cgroups::freeze(const std::string& name, bool frozen) const {
  if (auto* h = unified()) return write_value(dir(*h, name) + "/cgroup.freeze", frozen ? "1" : "0");
  auto* h = with("freezer");
  if (h == nullptr) return fail(Code::unavailable, "this host has no cgroup freezer");
  return write_value(dir(*h, name) + "/freezer.state", frozen ? "FROZEN" : "THAWED");
}

uint64_t Cgroups::cpu_usage(const std::string& name) const {
  if (auto* h = unified()) return read_keyed(dir(*h, name) + "/cpu.stat", "usage_usec");
  auto* h = with("cpuacct");
  return h != nullptr ? read_number(dir(*h, name) + "/cpuacct.usage") / 1000 : 0;
}

// Without the page cache that the kernel gives back at once when somebody needs memory.
CgroupUsage Cgroups::memory_usage(const std::string& name) const {
  const CgroupHierarchy* h = with("memory");
  std::string m = dir(*h, name);
  CgroupUsage out;
  uint64_t inactive;
  if (h->version == 2) {
    out.memory_bytes = read_number(m + "/memory.current");
    inactive = read_keyed(m + "/memory.stat", "inactive_file");
    out.oom_kills = read_keyed(m + "/memory.events", "oom_kill");
  } else {
    out.memory_bytes = read_number(m + "/memory.usage_in_bytes");
    inactive = read_keyed(m + "/memory.stat", "total_inactive_file");
    out.oom_kills = read_keyed(m + "/memory.oom_control", "oom_kill");
  }
  out.memory_bytes -= std::min(inactive, out.memory_bytes);
  return out;
}

Result<CgroupUsage> Cgroups::usage(const std::string& name) const {
  if (!exists(name)) return fail(Code::not_found, "the sandbox has no control group: it is not running");
  CgroupUsage out = memory_usage(name);
  out.cpu_usec = cpu_usage(name);
  out.pids = read_number(dir(*with("pids"), name) + "/pids.current");
  return out;
}

bool Cgroups::exists(const std::string& name) const {
  return std::any_of(used_.begin(), used_.end(),
                     [&](auto& h) { return ::access(dir(h, name).c_str(), F_OK) == 0; });
}

std::vector<std::string> Cgroups::list() const {
  std::set<std::string> names;
  for (auto& h : used_) {
    DIR* d = ::opendir((h.mount + "/" + parent_).c_str());
    if (d == nullptr) continue;
    while (dirent* e = ::readdir(d))
      if (e->d_type == DT_DIR && e->d_name[0] != '.') names.insert(e->d_name);
    ::closedir(d);
  }
  return {names.begin(), names.end()};
}

std::vector<pid_t> Cgroups::processes(const std::string& name) const {
  std::set<pid_t> pids;
  for (auto& h : used_) {
    auto text = read_file(dir(h, name) + "/cgroup.procs");
    if (!text) continue;
    for (auto line : split(*text, '\n'))
      if (auto pid = parse_int(line); pid && *pid > 0) pids.insert(static_cast<pid_t>(*pid));
  }
  return {pids.begin(), pids.end()};
}

Status Cgroups::kill_all(const std::string& name) const {
  using namespace std::chrono_literals;
  if (processes(name).empty()) return {};
  (void)freeze(name, false);  // a frozen v1 process does not die
  Mono deadline = after(10s);
  for (auto pause = 200us; std::chrono::steady_clock::now() < deadline;
       pause = std::min(pause * 2, std::chrono::microseconds(20ms))) {
    if (processes(name).empty()) return {};
    if (auto* h = unified(); h != nullptr && write_value(dir(*h, name) + "/cgroup.kill", "1")) {
      std::this_thread::sleep_for(pause);
      continue;
    }
    // Frozen, so that nothing forks or ends (and its pid is used again) between reading the list and killing.
    (void)freeze(name, true);
    for (pid_t pid : processes(name)) ::kill(pid, SIGKILL);
    (void)freeze(name, false);
    std::this_thread::sleep_for(pause);
  }
  return fail(Code::timeout, "processes of control group " + name + " do not die");
}

Status Cgroups::remove(const std::string& name) const {
  using namespace std::chrono_literals;
  Mono deadline = after(5s);
  for (auto& h : used_) {
    std::string path = dir(h, name);
    // EBUSY for a moment after the last process has gone.
    for (auto pause = 50us; ::rmdir(path.c_str()) < 0 && errno != ENOENT;
         pause = std::min(pause * 2, std::chrono::microseconds(10ms))) {
      if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) return fail_errno("rmdir " + path);
      std::this_thread::sleep_for(pause);
    }
  }
  return {};
}

Status Cgroups::remove_parent() const { return remove(""); }

Status Cgroups::kill_and_remove(const std::string& name) const {
  if (!exists(name)) return {};
  TRY_VOID(kill_all(name));
  return remove(name);
}

}  // namespace dt::linux_
