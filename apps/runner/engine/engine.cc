#include "apps/runner/engine/engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "apps/runner/engine/launch.h"
#include "apps/runner/engine/protocol.h"
#include "apps/runner/engine/seccomp_policy.h"
#include "apps/runner/engine/spawner_handle.h"
#include "libs/base/guarded.h"
#include "libs/linux/cgroup.h"
#include "libs/linux/path.h"
#include "libs/linux/process.h"

namespace dt::runner {
namespace {

constexpr int kLaunchAttempts = 3;  // when the spawner is killed under a launch
constexpr uint64_t kMinMemory = 8ull << 20;

// An id becomes the name of a directory.
Status check_id(const SandboxId& id) {
  const std::string& text = id.str();
  bool good = !text.empty() && text.size() <= 128 && text[0] != '.';
  for (char c : text)
    good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.');
  if (!good) return fail(Code::bad_request, "a sandbox id has 1 to 128 letters, digits, '-', '_' or '.'");
  return {};
}

Status check_limits(const Limits& limits) {
  if (!(limits.cpus > 0) || limits.cpus > 4096)
    return fail(Code::unprocessable, "cpus must be above 0 and at most 4096");
  if (limits.memory_bytes < kMinMemory || limits.memory_bytes > (1ull << 50))
    return fail(Code::unprocessable, "memory must be at least 8 MiB");
  if (limits.pids < 1 || limits.pids > 4'194'304)
    return fail(Code::unprocessable, "pids must be between 1 and 4194304");
  return {};
}

engine::Setup make_setup(const EngineConfig& config, const linux_::Cgroups& cgroups, std::string seccomp) {
  engine::Setup setup{config.daemon_path, std::move(seccomp), {}, false};
  for (auto& h : cgroups.hierarchies()) setup.moves_cgroups |= h.version == 1;
  for (const char* controller : {"memory", "cpu"}) {
    auto* h = cgroups.with(controller);
    std::string source = h->mount + "/" + cgroups.parent();
    if (h->version == 2) {
      setup.views = {{source, ""}};
      break;
    }
    setup.views.push_back({source, controller});
  }
  return setup;
}

}  // namespace

struct Engine::Impl {
  EngineConfig config;
  linux_::Cgroups cgroups;
  engine::SpawnerHandle spawner;
  Guarded<std::set<SandboxId>>
      launching{};  // a failed launch removes its cgroup: never another launch's of the same id
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(EngineConfig config) {
  if (::geteuid() != 0) return fail(Code::forbidden, "the container engine needs root");
  if (::access(config.daemon_path.c_str(), X_OK) < 0) return fail_errno("the daemon " + config.daemon_path);
  TRY(auto cgroups, linux_::Cgroups::open(config.cgroup_parent));
  TRY(std::string seccomp, engine::compile_seccomp_filter());
  std::string setup = engine::encode(make_setup(config, cgroups, std::move(seccomp)));
  std::string spawner = config.spawner_path;
  std::unique_ptr<Impl> impl(new Impl{std::move(config), std::move(cgroups),
                                      engine::SpawnerHandle(std::move(spawner), std::move(setup))});
  TRY_VOID(impl->spawner.start());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Status Engine::prepare_image(const std::string& rootfs) {
  TRY(Fd root, open_file(rootfs.c_str(), O_PATH | O_DIRECTORY));
  for (const char* name : {"proc", "sys", "dev"})
    if (::mkdirat(root.get(), name, 0755) < 0 && errno != EEXIST)
      return fail_errno(std::string("mkdir /") + name + " in the image");
  // Something strange in their place is the image's own business: launch() does without.
  for (const char* file : {"etc/resolv.conf", "etc/hosts", "etc/hostname"})
    (void)linux_::ensure_file_in_root(root.get(), file);
  (void)linux_::ensure_file_in_root(root.get(), "usr/local/bin/daytona", 0755);
  return {};
}

Result<Launched> Engine::launch(const LaunchSpec& spec) {
  TRY_VOID(check_id(spec.id));
  TRY_VOID(check_limits(spec.limits));
  if (!impl_->launching.with([&](auto& ids) { return ids.insert(spec.id).second; }))
    return fail(Code::conflict, "sandbox " + spec.id.str() + " is being started already");
  auto result = [&]() -> Result<Launched> {
    if (impl_->cgroups.exists(spec.id.str()))
      return fail(Code::conflict,
                  "sandbox " + spec.id.str() + " has a control group already: it runs, or needs a sweep");
    for (int left = kLaunchAttempts;; --left) {
      engine::Launch launch(spec, impl_->config, impl_->spawner, impl_->cgroups);
      auto launched = launch.run();
      if (launched || !launch.spawner_lost() || left == 1) return launched;
    }
  }();
  impl_->launching.with([&](auto& ids) { ids.erase(spec.id); });
  return result;
}

std::optional<Fd> Engine::adopt(pid_t pid, uint64_t start_time) const {
  if (pid <= 0) return std::nullopt;
  // First the descriptor, then the check: what it names cannot change afterwards.
  auto pidfd = linux_::pidfd_open(pid);
  if (!pidfd) return std::nullopt;
  auto stat = linux_::proc_stat(pid);
  if (!stat || stat->start_time != start_time || stat->state == 'Z' || stat->state == 'X')
    return std::nullopt;
  return std::move(*pidfd);
}

Status Engine::terminate(const SandboxId& id, int pidfd, int grace_ms) {
  TRY_VOID(check_id(id));
  if (pidfd >= 0 && grace_ms > 0) {
    (void)impl_->cgroups.freeze(id.str(), false);
    TRY_VOID(linux_::pidfd_signal(pidfd, SIGTERM));
    TRY(bool ended, linux_::pidfd_wait(pidfd, after(Millis(grace_ms))));
    (void)ended;
  }
  if (pidfd >= 0) {
    // The init ends after the last process of its pid namespace, so this usually leaves an empty group. A
    // frozen v1 group does not die of it: kill_and_remove thaws that.
    TRY_VOID(linux_::pidfd_signal(pidfd, SIGKILL));
    TRY(bool ended, linux_::pidfd_wait(pidfd, after(std::chrono::seconds(1))));
    (void)ended;
  }
  TRY_VOID(impl_->cgroups.kill_and_remove(id.str()));
  if (pidfd < 0) return {};
  TRY(bool ended, linux_::pidfd_wait(pidfd, after(std::chrono::seconds(10))));
  if (!ended) return fail(Code::timeout, "the init of sandbox " + id.str() + " does not die");
  return {};
}

Status Engine::sweep(const SandboxId& id) {
  TRY_VOID(check_id(id));
  return impl_->cgroups.kill_and_remove(id.str());
}

Status Engine::close_cgroups() { return impl_->cgroups.remove_parent(); }

std::vector<SandboxId> Engine::cgroups() const {
  std::vector<SandboxId> out;
  for (auto& name : impl_->cgroups.list()) out.emplace_back(name);
  return out;
}

Result<ResourceUsage> Engine::usage(const SandboxId& id) const {
  TRY_VOID(check_id(id));
  TRY(auto usage, impl_->cgroups.usage(id.str()));
  return ResourceUsage{usage.cpu_usec, usage.memory_bytes, usage.pids, usage.oom_kills};
}

Status Engine::set_limits(const SandboxId& id, const Limits& limits) {
  TRY_VOID(check_id(id));
  TRY_VOID(check_limits(limits));
  TRY_VOID(impl_->cgroups.set_limits(id.str(), {.memory_bytes = limits.memory_bytes, .pids = limits.pids}));
  return impl_->cgroups.set_cpus(id.str(), limits.cpus);
}

Status Engine::freeze(const SandboxId& id, bool frozen) {
  TRY_VOID(check_id(id));
  return impl_->cgroups.freeze(id.str(), frozen);
}

Result<Fd> Engine::netns_of(pid_t pid) const { return linux_::namespace_of(pid, "net"); }
pid_t Engine::spawner_pid() const { return impl_->spawner.pid(); }

}  // namespace dt::runner
