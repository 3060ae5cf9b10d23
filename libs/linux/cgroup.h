// Control groups of both generations behind one class: `Cgroups` manages groups named `<parent>/<name>`. On a
// v2 host that is one directory each; on a v1 or hybrid host one directory in every hierarchy that offers
// something we use. Of the hybrid's v2 hierarchy (which has no controllers) we take what needs none: kill,
// freeze, cpu accounting and CLONE_INTO_CGROUP. Thread-safe (no state after open). Values: bytes,
// microseconds.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/fd.h"

namespace dt::linux_ {

struct CgroupHierarchy {
  std::string mount;  // e.g. /sys/fs/cgroup/memory
  int version = 2;
  std::vector<std::string> controllers;
  bool has(std::string_view controller) const;
};
// The hierarchies mounted here, from /proc/self/mountinfo.
Result<std::vector<CgroupHierarchy>> find_cgroup_hierarchies();

struct CgroupLimits {
  uint64_t memory_bytes = 0;
  uint64_t pids = 0;
};
struct CgroupUsage {
  uint64_t cpu_usec = 0, memory_bytes = 0, pids = 0, oom_kills = 0;
};

class Cgroups {
 public:
  // Makes the parent group where it is missing and enables the controllers below it. Fails when memory, cpu
  // or pids is missing.
  static Result<Cgroups> open(std::string parent);

  // In two steps, because the second can be done while the process is being made: `create_first` makes the v2
  // directory and returns it for CLONE_INTO_CGROUP (nullopt on pure v1), `create_rest` the others. Existing
  // groups are no error.
  Result<std::optional<Fd>> create_first(const std::string& name) const;
  Status create_rest(const std::string& name) const;
  // cgroup.procs of every v1 group, open for writing: a process that writes "0" moves itself (a v2 group is
  // entered by CLONE_INTO_CGROUP).
  Result<std::vector<Fd>> doors(const std::string& name) const;
  Status set_limits(const std::string& name, const CgroupLimits& limits) const;
  Status set_cpus(const std::string& name, double cpus) const;
  Status freeze(const std::string& name, bool frozen) const;
  Result<CgroupUsage> usage(const std::string& name) const;
  // Kills every process in the group and removes it. Idempotent; blocks until the processes are gone (at most
  // some seconds).
  Status kill_and_remove(const std::string& name) const;
  // Removes the parent group itself, for good. It must have no groups left.
  Status remove_parent() const;
  bool exists(const std::string& name) const;
  std::vector<std::string> list() const;
  std::vector<pid_t> processes(const std::string& name) const;

  const std::vector<CgroupHierarchy>& hierarchies() const { return used_; }
  const CgroupHierarchy* unified() const;  // v2, with or without controllers
  const CgroupHierarchy* with(std::string_view controller) const;
  const std::string& parent() const { return parent_; }

 private:
  std::string dir(const CgroupHierarchy& h, const std::string& name) const {
    return h.mount + "/" + parent_ + "/" + name;
  }
  Status make_parent(const CgroupHierarchy& h) const;
  Status kill_all(const std::string& name) const;
  Status remove(const std::string& name) const;
  CgroupUsage memory_usage(const std::string& name) const;
  uint64_t cpu_usage(const std::string& name) const;

  std::string parent_;
  std::vector<CgroupHierarchy> used_;
};

}  // namespace dt::linux_
