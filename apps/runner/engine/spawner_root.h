// The spawner's own world: a mount namespace whose root is a small tmpfs with only what launches need, so
// that a clone copies a dozen mounts instead of the host's table, and a bug in a child reaches no file of the
// host.
//
//   /root    where a child attaches the new root       /lower /disk   where it attaches the layers
//   /sys     the template of every sandbox's /sys: read-only sysfs with masks, cloned as one tree
//   /empty   an empty read-only tmpfs, for masks       /cg/<controller>  the hierarchies' parent groups
//   /daemon  the daemon's executable, read-only, root:root
#pragma once
#include "apps/runner/engine/protocol.h"
#include "libs/base/fd.h"

namespace dt::runner::engine {

// Unshares the mount and network namespaces and pivots. The caller is single-threaded and fresh from exec.
Status enter_spawner_root(const Setup& setup);

// Moving a process into a v1 cgroup takes a lock that, after a moment without moves, first waits 8 to 15 ms
// for an RCU grace period. The mount option `favordynmods` keeps that wait away for the whole kernel as long
// as one hierarchy with it exists: this makes an empty named one that lives as long as the returned
// descriptor. Kernels before 6.0 do not know it: then there is none.
Fd hold_fast_cgroup_moves();

}  // namespace dt::runner::engine
