#include "apps/server/doctor.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/net/stream.h"

namespace dt::server {
namespace {

enum class Grade { good, weaker, missing };
struct Finding {
  Grade grade;
  std::string text;  // what was found, and what its lack costs
};

// Runs in a child, so that trying does not change this process.
bool works_in_child(const std::function<bool()>& fn) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(fn() ? 0 : 1);
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool in_path(const char* program) {
  for (std::string_view dir :
       split(std::getenv("PATH") ? std::getenv("PATH") : "/usr/sbin:/usr/bin:/sbin:/bin", ':'))
    if (::access((std::string(dir) + "/" + program).c_str(), X_OK) == 0) return true;
  return ::access((std::string("/usr/sbin/") + program).c_str(), X_OK) == 0;
}

Finding root(const Config&) {
  return ::geteuid() == 0
             ? Finding{Grade::good, "running as root"}
             : Finding{Grade::missing,
                       "not root: the runner cannot make namespaces, mounts and firewall rules; use sudo"};
}

Finding kernel(const Config&) {
  utsname name{};
  ::uname(&name);
  int major = 0, minor = 0;
  std::sscanf(name.release, "%d.%d", &major, &minor);
  std::string text = std::string("Linux ") + name.release;
  if (major > 5 || (major == 5 && minor >= 19))
    return {Grade::good, text + ": id-mapped overlay layers, clone3, pidfd"};
  return {Grade::missing, text +
                              " is older than 5.19: overlay layers cannot be id-mapped, so sandboxes cannot "
                              "start; install a newer kernel"};
}

Finding user_namespaces(const Config&) {
  if (works_in_child([] {
        return ::unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                         CLONE_NEWUTS | CLONE_NEWCGROUP) == 0;
      }))
    return {Grade::good, "all namespaces can be made"};
  return {Grade::missing,
          "namespaces cannot be made: check the sysctl user.max_user_namespaces and that this is not an "
          "unprivileged container"};
}

Finding cgroups(const Config&) {
  struct statfs fs{};
  if (::statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
    auto controllers = read_file("/sys/fs/cgroup/cgroup.controllers", 4096);
    bool all = controllers && controllers->find("memory") != std::string::npos &&
               controllers->find("pids") != std::string::npos &&
               controllers->find("cpu") != std::string::npos;
    return all ? Finding{Grade::good, "cgroup v2 with cpu, memory and pids"}
               : Finding{Grade::missing,
                         "cgroup v2 lacks one of cpu, memory, pids: limits cannot be enforced"};
  }
  for (const char* controller : {"memory", "pids", "cpu"})
    if (::access((std::string("/sys/fs/cgroup/") + controller).c_str(), F_OK) != 0)
      return {Grade::missing,
              std::string("no cgroup controller ") + controller + ": limits cannot be enforced"};
  return {Grade::good, "cgroup v1 (works; v2 starts sandboxes a little faster and kills them in one step)"};
}

Finding overlay(const Config&) {
  auto list = read_file("/proc/filesystems", 65536);
  if (list && list->find("overlay") != std::string::npos) return {Grade::good, "overlay file system"};
  return {Grade::missing, "no overlay file system: load it with `modprobe overlay`"};
}

Finding firewall(const Config&) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 12 /* NETLINK_NETFILTER */));
  return socket ? Finding{Grade::good, "nftables"}
                : Finding{Grade::missing,
                          "no netfilter in this kernel: sandboxes cannot be kept apart on the network"};
}

Finding pool(const Config& config) {
  std::string dir = config.text("state_dir");
  while (!dir.empty() && ::access(dir.c_str(), F_OK) != 0) dir = std::filesystem::path(dir).parent_path();
  struct statfs fs{};
  if (::statfs(dir.c_str(), &fs) < 0) return {Grade::missing, "cannot look at " + dir};
  std::string free =
      std::to_string(static_cast<uint64_t>(fs.f_bavail) * static_cast<uint64_t>(fs.f_bsize) >> 30) +
      " GiB free";
  if (fs.f_type == BTRFS_SUPER_MAGIC) return {Grade::good, "storage pool on btrfs, " + free};
  if (!in_path("mkfs.btrfs"))
    return {Grade::weaker,
            "storage pool: no btrfs and no mkfs.btrfs: disk limits of sandboxes are NOT enforced; install "
            "btrfs-progs"};
  return {Grade::good, "storage pool: a loop-mounted btrfs file (disk limits enforced), " + free};
}

Finding images(const Config&) {
  return in_path("skopeo")
             ? Finding{Grade::good, "skopeo, to fetch images from registries"}
             : Finding{Grade::weaker, "no skopeo: images can be imported from directories and archives only"};
}

Finding port(const Config& config, std::string_view key) {
  auto at = Endpoint::parse(config.text(key));
  if (!at || !at->unix_path.empty()) return {Grade::good, std::string(key) + " " + config.text(key)};
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int one = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at->port);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
    return {Grade::good, std::string(key) + ": port " + std::to_string(at->port) + " is free"};
  return {Grade::weaker, std::string(key) + ": port " + std::to_string(at->port) +
                             " is in use (by this server when it is up; else change " + std::string(key) +
                             ")"};
}

}  // namespace

int run_doctor(const Config& config) {
  const std::vector<std::pair<const char*, std::function<Finding()>>> checks = {
      {"root", [&] { return root(config); }},
      {"kernel", [&] { return kernel(config); }},
      {"namespaces", [&] { return user_namespaces(config); }},
      {"cgroups", [&] { return cgroups(config); }},
      {"overlay", [&] { return overlay(config); }},
      {"firewall", [&] { return firewall(config); }},
      {"storage", [&] { return pool(config); }},
      {"images", [&] { return images(config); }},
      {"api", [&] { return port(config, "api.listen"); }},
      {"proxy", [&] { return port(config, "proxy.listen"); }},
      {"runner", [&] { return port(config, "runner.listen"); }},
  };
  int missing = 0;
  for (const auto& [name, check] : checks) {
    Finding f = check();
    const char* mark = f.grade == Grade::good ? "ok     " : f.grade == Grade::weaker ? "weaker " : "MISSING";
    std::printf("%s  %-10s  %s\n", mark, name, f.text.c_str());
    missing += f.grade == Grade::missing;
  }
  std::printf(missing ? "\n%d thing(s) must be put right before sandboxes can run.\n"
                      : "\nThis host can run sandboxes.\n",
              missing);
  return missing ? 1 : 0;
}

}  // namespace dt::server
