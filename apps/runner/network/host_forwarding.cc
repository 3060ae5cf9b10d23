#include "apps/runner/network/host_forwarding.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "libs/base/fd.h"
#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::runner {
namespace {

constexpr const char* kForward = "/proc/sys/net/ipv4/ip_forward";
const char* const kEnvironment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", nullptr};

// Runs iptables; its output, or nullopt when it failed or is not there.
std::optional<std::string> iptables(std::vector<std::string> args) {
  args.insert(args.begin(), {"iptables", "-w", "5"});
  auto pipe = make_pipe();
  if (!pipe) return std::nullopt;
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe->write.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int rc = posix_spawnp(&pid, "iptables", &actions, nullptr, argv.data(), const_cast<char**>(kEnvironment));
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) return std::nullopt;
  pipe->write.reset();
  std::string output = read_all(pipe->read.get(), 1 << 20).value_or("");
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0 ? std::optional(output) : std::nullopt;
}

std::vector<std::vector<std::string>> exceptions(const std::string& instance) {
  std::string interfaces = instance + "-+";
  return {{"-i", interfaces, "-j", "ACCEPT"},
          {"-o", interfaces, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"}};
}

std::optional<std::string> with_rule(const char* action, const std::string& chain,
                                     std::vector<std::string> rule) {
  rule.insert(rule.begin(), {action, chain});
  return iptables(std::move(rule));
}

}  // namespace

Status enable_forwarding() {
  TRY(auto now, read_file(kForward, 16));
  if (trim(now) == "1") return {};
  TRY(auto fd, open_file(kForward, O_WRONLY));
  TRY_VOID(write_all(fd.get(), "1"));
  log::info(
      "turned on IPv4 forwarding on this host (net.ipv4.ip_forward=1); sandboxes need it for the network");
  return {};
}

void allow_through_iptables(const std::string& instance) {
  std::string chain = "DOCKER-USER";
  if (!iptables({"-S", chain})) {
    chain = "FORWARD";
    auto rules = iptables({"-S", chain});
    if (!rules || !rules->starts_with("-P FORWARD DROP")) return;
  }
  for (const auto& rule : exceptions(instance)) {
    if (with_rule("-C", chain, rule)) continue;
    if (!with_rule("-I", chain, rule))
      log::warn("another firewall drops forwarded packets and could not be told about sandboxes",
                {{"chain", chain}});
  }
}

void forget_in_iptables(const std::string& instance) {
  for (const char* chain : {"DOCKER-USER", "FORWARD"})
    for (const auto& rule : exceptions(instance))
      if (with_rule("-C", chain, rule)) (void)with_rule("-D", chain, rule);
}

}  // namespace dt::runner
