// The storage pool: where unpacked images and the writable layers of sandboxes live. Chosen by what the
// directory offers: btrfs (subvolumes and quota groups), XFS/ext4 with project quota, else a loop-mounted
// btrfs file inside the directory, else plain directories with a loud warning that disk limits are not
// enforced.
//
// Files in the pool carry the ids of the image (0…65535); the engine mounts them id-mapped. The pool is
// mounted nosuid,nodev and its top directory is 0700 root. Thread-safe. All calls block; use a worker thread.
// Every call is idempotent.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/fd.h"
#include "libs/base/ids.h"

namespace dt::runner {

struct StorageConfig {
  std::string directory;         // e.g. /var/lib/daytona/pool
  uint64_t loop_file_bytes = 0;  // 0: 80 % of the free space, sparse
};

// The writable layer of one sandbox.
struct Disk {
  std::string path;  // <pool>/disks/<id>
  std::string upper() const { return path + "/upper"; }
  std::string work() const { return path + "/work"; }
};

struct DiskUsage {
  uint64_t used_bytes = 0;
  uint64_t limit_bytes = 0;  // 0: none
};

class Storage {
 public:
  enum class Backend { btrfs, loop_btrfs, project_quota, plain };
  static Result<std::unique_ptr<Storage>> open(
      StorageConfig config);  // mounts the loop file unless it is mounted already
  ~Storage();                 // leaves the pool mounted: sandboxes may be running

  Backend backend() const;
  std::string describe() const;  // one line for doctor and logs
  bool enforces_limits() const;

  Result<Disk> create_disk(const SandboxId& id, uint64_t limit_bytes);
  Result<Disk> find_disk(const SandboxId& id) const;
  Status set_limit(const SandboxId& id, uint64_t limit_bytes);
  Result<DiskUsage> usage(const SandboxId& id) const;
  // O(1) copy of a stopped sandbox's layer where the backend can, else a reflink or plain copy.
  Result<Disk> clone_disk(const SandboxId& from, const SandboxId& to, uint64_t limit_bytes);
  Status remove_disk(const SandboxId& id);  // O(1) for the caller: renamed aside, emptied in the background
  std::vector<SandboxId> list_disks() const;

  std::string images_directory() const;   // <pool>/images; managed by image/
  std::string staging_directory() const;  // <pool>/staging: emptied at open()
  uint64_t free_bytes() const;
  Status unmount();  // for `down` and tests: waits for removals, unmounts the loop file

 private:
  struct Impl;
  explicit Storage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
