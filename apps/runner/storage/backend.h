// What differs between file systems. A backend makes and removes the directories that carry a limit; names,
// atomicity and recovery are the pool's (storage.cc). All paths are directly below one of the pool's
// directories.
#pragma once
#include <memory>
#include <string>

#include "apps/runner/storage/storage.h"

namespace dt::runner {

class StorageBackend {
 public:
  virtual ~StorageBackend() = default;
  virtual Storage::Backend kind() const = 0;
  virtual std::string describe() const = 0;
  // A new empty directory, mode 0700, that can be limited.
  virtual Status make(const std::string& path) = 0;
  virtual Status clone(const std::string& from, const std::string& to) = 0;
  virtual Status limit(const std::string& path, uint64_t bytes) = 0;  // 0: none
  virtual Result<DiskUsage> usage(const std::string& path) const = 0;
  virtual Status remove(const std::string& path) = 0;  // absent is fine
};

// `top` is the pool's top directory. Each fails with `unavailable` when the file system there is not the
// right one.
Result<std::unique_ptr<StorageBackend>> make_btrfs_backend(const std::string& top, bool loop);
Result<std::unique_ptr<StorageBackend>> make_project_quota_backend(const std::string& top);
std::unique_ptr<StorageBackend> make_plain_backend(const std::string& top);

// Recursive copy that keeps everything (owners, xattrs, devices, holes) and shares extents where the file
// system can.
Status copy_tree(const std::string& from, const std::string& to);
bool on_btrfs(const std::string& path);

}  // namespace dt::runner
