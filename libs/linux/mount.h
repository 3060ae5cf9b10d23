// The kernel's mount interface of file descriptors (fsopen, open_tree, move_mount, mount_setattr). A mount
// that a descriptor holds and that is attached nowhere is "detached": it ends with its last descriptor, so a
// crash leaves nothing behind.
#pragma once
#include <sys/mount.h>

#include <cstdint>
#include <string>

#include "libs/base/fd.h"

namespace dt::linux_ {

// A filesystem being configured. Options that fail carry the kernel's own message.
class FsContext {
 public:
  static Result<FsContext> open(const char* type);
  Status set(const char* key, const std::string& value);
  Status set_flag(const char* key);
  Status set_fd(const char* key, int fd);
  Result<Fd> mount(unsigned attributes);  // MOUNT_ATTR_…; a detached mount

 private:
  explicit FsContext(Fd fd) : fd_(std::move(fd)) {}
  std::unexpected<Error> failure(const std::string& what) const;
  Fd fd_;
};

// A detached copy of what is mounted at `path` (only that mount, or the tree below it too).
Result<Fd> clone_mount(int dirfd, const char* path,
                       unsigned flags = 0);  // flags: AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
struct MountAttributes {
  uint64_t set = 0, clear = 0;  // MOUNT_ATTR_…
  bool make_private = false;
  int idmap_userns = -1;  // borrowed: adds MOUNT_ATTR_IDMAP
  bool recursive = false;
};
Status set_mount_attributes(int mount_fd, const MountAttributes& attributes);
Status set_mount_attributes(const char* path, const MountAttributes& attributes);
Status attach_mount(int mount_fd, int dirfd, const char* path);  // path "" attaches on dirfd itself
// Makes `new_root` the root of this mount namespace and detaches the old one.
Status pivot_into(int new_root);

}  // namespace dt::linux_
