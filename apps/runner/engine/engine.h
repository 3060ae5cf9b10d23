// The native container engine: turns a prepared rootfs, disk and network slot into an isolated process tree
// with the daemon as PID 1, and ends it again. All policy about ids, records and retries lives in
// ../sandboxes; this is mechanism.
//
// launch() goes through the spawner: a small single-threaded helper process in a mount namespace of its own
// with a tiny mount table. The root is built from detached mounts that exist only inside the sandbox's mount
// namespace, so the death of its init leaves no mount behind. Sandboxes survive the death of the runner and
// of the spawner. Thread-safe; calls block (milliseconds): use a worker thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/fd.h"
#include "libs/base/ids.h"

namespace dt::runner {

struct Limits {
  double cpus = 1;
  uint64_t memory_bytes = 1ull << 30;  // no swap beyond it
  uint64_t pids = 4096;
  uint64_t open_files = 1'048'576;
};

struct LaunchSpec {
  SandboxId id;
  std::string hostname;
  std::string rootfs;       // flattened image: the one lower directory
  std::string upper, work;  // of the Disk: two directories with the same parent
  uint32_t id_range = 0;    // host uid/gid of id 0 inside; 65,536 ids follow
  Limits limits;
  int netns = -1;           // borrowed; -1: an empty network, never the host's
  std::string resolv_conf;  // written over /etc/resolv.conf (tmpfs-backed file mount), /etc/hosts likewise
  std::string address;      // for /etc/hosts
  std::vector<std::string> args;  // arguments of the daemon (the entrypoint command)
  std::map<std::string, std::string>
      env;  // HOME, USER, PATH are completed from the user's passwd entry inside when missing
  std::string user =
      "root";  // name, uid, name:group or uid:gid as in an image config; resolved inside the root
  std::string working_dir;  // "": the user's home
  int listen_socket = -1;   // borrowed; becomes descriptor 3 of the daemon (DAYTONA_LISTEN_FD=3)
  int log = -1;             // borrowed; the daemon's stdout and stderr; -1: /dev/null
};

struct Launched {
  pid_t pid = 0;            // of the init, in the host's pid namespace
  uint64_t start_time = 0;  // /proc/<pid>/stat field 22: pid + start_time identify the process for adoption
  Fd pidfd;
  // Where the time went, one after the other: until the child ran; id maps and overlay; other mounts;
  // entering the cgroups (waiting for them included) and pivot_root; giving up privileges; executing the
  // daemon until its byte. Their sum is total_ms.
  struct Stages {
    double clone_ms = 0, layers_ms = 0, mounts_ms = 0, cgroup_ms = 0, drop_ms = 0, ready_ms = 0, total_ms = 0;
  } stages;
};

struct ResourceUsage {
  uint64_t cpu_usec = 0, memory_bytes = 0, pids = 0, oom_kills = 0;
};

struct EngineConfig {
  std::string cgroup_parent = "daytona";  // cgroup (v1: in each hierarchy) under which sandboxes live
  std::string daemon_path;                // host path of daytona-daemon
  std::string
      spawner_path;  // host path of the executable that provides `daytona-server spawner` (argv: spawner)
  int ready_timeout_ms = 30'000;  // a daemon that says nothing for so long is a failed launch
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(EngineConfig config);
  ~Engine();  // ends the spawner, not the sandboxes

  // Makes the places on which launch() mounts (/proc, /etc/hosts, /usr/local/bin/daytona…) in a flattened
  // image where they are missing. Done once at import, it saves every sandbox 0.3 to 0.5 ms of copying
  // directories up to its disk. Idempotent.
  static Status prepare_image(const std::string& rootfs);

  // Returns when the daemon said that it serves (one byte on a pipe). On failure nothing is left behind.
  Result<Launched> launch(const LaunchSpec& spec);
  // The init of a sandbox launched by an earlier runner: nullopt when it is gone (or the pid is another
  // process now).
  std::optional<Fd> adopt(pid_t pid, uint64_t start_time) const;
  // SIGTERM to init, then after `grace_ms` SIGKILL for the whole cgroup. Returns when every process is gone
  // and the cgroup is removed.
  Status terminate(const SandboxId& id, int pidfd, int grace_ms);
  // Kills what may be left in the sandbox's cgroup and removes it. Idempotent; used by recovery for half-made
  // sandboxes.
  Status sweep(const SandboxId& id);
  // Removes the cgroup that holds those of the sandboxes; there must be none left. Nothing can be launched
  // then.
  Status close_cgroups();
  std::vector<SandboxId> cgroups() const;  // every sandbox that has a cgroup (for the orphan sweep)
  Result<ResourceUsage> usage(const SandboxId& id) const;
  Status set_limits(const SandboxId& id, const Limits& limits);
  Status freeze(const SandboxId& id, bool frozen);
  Result<Fd> netns_of(pid_t pid) const;
  pid_t spawner_pid() const;  // for chaos tests

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Body of the hidden command `daytona-server spawner --fd N`: serves the runner's requests until the socket
// closes.
int spawner_main(int socket_fd);

}  // namespace dt::runner
