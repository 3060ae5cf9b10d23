// What the runner remembers of each sandbox, so that a restarted runner can adopt, start again or remove it
// without the API.
//   <state>/sandboxes/<id>.json   the spec: written when a sandbox is made, durable before its creation is
//   reported <run>/<id>.json               the running instance (pid, slot): only meaningful until the
//   machine restarts
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/error.h"
#include "libs/base/ids.h"

namespace dt::runner {

struct SandboxSpec {
  std::string id;
  std::string name;
  std::string organization_id;
  std::string region_id;
  std::string snapshot;      // image reference
  std::string image_digest;  // what the reference meant when the sandbox was made: its disk belongs to it
  std::string os_user;
  std::map<std::string, std::string> env;
  std::vector<std::string> entrypoint;  // empty: the image's own
  int64_t cpus = 1;
  int64_t memory_gib = 1;
  int64_t disk_gib = 3;
  bool network_block_all = false;
  std::vector<std::string> network_allow;  // CIDR
  std::optional<std::string> linked;       // the sandbox that owns this one
  uint32_t id_range = 0;                   // host id of id 0 inside
};

struct Instance {
  int64_t pid = 0;
  uint64_t start_time = 0;
  uint32_t slot = 0;
};

// Files of one directory pair. Not thread-safe per sandbox: callers hold the sandbox's lock.
class Records {
 public:
  Records(std::string spec_dir, std::string run_dir);
  Status save(const SandboxSpec& spec);  // durable (fsync) before it returns
  Status save(const SandboxId& id, const Instance& instance);
  Result<SandboxSpec> spec(const SandboxId& id) const;
  std::optional<Instance> instance(const SandboxId& id) const;
  void clear_instance(const SandboxId& id);
  void remove(const SandboxId& id);
  std::vector<SandboxSpec> all() const;                // unreadable files are logged and skipped
  std::string socket_path(const SandboxId& id) const;  // where the daemon's socket is bound

 private:
  std::string spec_path(const SandboxId& id) const;
  std::string run_path(const SandboxId& id) const;
  std::string spec_dir_, run_dir_;
};

}  // namespace dt::runner
