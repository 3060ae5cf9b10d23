// Builds a sandbox's root, in the sandbox's own namespaces, by a process that is still the host's root. An
// ordered list of named steps; nothing needs undoing, because every mount lives in this mount namespace or in
// a descriptor of this process.
//
// The image and the disk are hostile: whatever is looked up in them goes through openat2(RESOLVE_IN_ROOT).
#pragma once
#include "apps/runner/engine/protocol.h"
#include "libs/base/fd.h"

namespace dt::runner::engine {

struct LaunchFds {
  Fd reply, lower, disk, ready;   // lower and disk are detached mounts
  Fd netns, listen, log, cgroup;  // optional
};

class RootBuilder {
 public:
  RootBuilder(const LaunchRequest& request, LaunchFds& fds) : request_(request), fds_(fds) {}

  Status build_layers();  // user namespace, id-mapped layers, overlay at /root
  Status build_mounts();  // /proc, /sys, /dev, files in /etc, the daemon
  // After the process has entered its cgroup: cgroup namespace, the group's files below /sys/fs/cgroup,
  // pivot_root.
  Status finish(const std::vector<CgroupView>& views);

  int userns() const { return userns_.get(); }
  int proc() const { return proc_.get(); }
  Fd take_daemon() { return std::move(daemon_); }

 private:
  Status attach(int mount, const char* path);
  Status add_proc();
  Status mask_proc();
  Status add_dev();
  Status add_device_nodes();
  Status add_dev_mounts();
  Status add_sys();
  Status add_etc_file(const char* path, const std::string& content);
  Status add_daemon();
  Status add_cgroup_view(const CgroupView& view);

  const LaunchRequest& request_;
  LaunchFds& fds_;
  Fd proc_, userns_, root_, dev_, null_, daemon_;
};

}  // namespace dt::runner::engine
