#include "libs/linux/mount.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dt::linux_ {

Result<FsContext> FsContext::open(const char* type) {
  int fd = ::fsopen(type, FSOPEN_CLOEXEC);
  if (fd < 0) return fail_errno(std::string("fsopen ") + type);
  return FsContext(Fd(fd));
}

std::unexpected<Error> FsContext::failure(const std::string& what) const {
  int err = errno;
  char text[512];
  std::string detail;
  for (ssize_t n; (n = ::read(fd_.get(), text, sizeof text)) > 0;) {
    detail += detail.empty() ? " (" : "; ";
    detail.append(text, static_cast<size_t>(n));
    while (!detail.empty() && detail.back() == '\n') detail.pop_back();
  }
  if (!detail.empty()) detail += ")";
  return fail_errno(what + detail, err);
}

Status FsContext::set(const char* key, const std::string& value) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) < 0)
    return failure(std::string("mount option ") + key);
  return {};
}

Status FsContext::set_flag(const char* key) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) < 0)
    return failure(std::string("mount option ") + key);
  return {};
}

Status FsContext::set_fd(const char* key, int fd) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key, nullptr, fd) < 0)
    return failure(std::string("mount option ") + key);
  return {};
}

Result<Fd> FsContext::mount(unsigned attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return failure("create file system");
  int fd = ::fsmount(fd_.get(), FSMOUNT_CLOEXEC, attributes);
  if (fd < 0) return failure("fsmount");
  return Fd(fd);
}

Result<Fd> clone_mount(int dirfd, const char* path, unsigned flags) {
  int fd = ::open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
  if (fd < 0) return fail_errno(std::string("open_tree ") + path);
  return Fd(fd);
}

namespace {
Status set_attributes(int dirfd, const char* path, const MountAttributes& a) {
  mount_attr attr{};
  attr.attr_set = a.set;
  attr.attr_clr = a.clear;
  if (a.make_private) attr.propagation = MS_PRIVATE;
  if (a.idmap_userns >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = static_cast<uint64_t>(a.idmap_userns);
  }
  unsigned flags =
      (*path == 0 ? static_cast<unsigned>(AT_EMPTY_PATH) : 0u) | (a.recursive ? AT_RECURSIVE : 0u);
  if (::mount_setattr(dirfd, path, flags, &attr, sizeof attr) < 0)
    return fail_errno(a.idmap_userns >= 0 ? "id-mapped mount" : std::string("mount_setattr ") + path);
  return {};
}
}  // namespace

Status set_mount_attributes(int mount_fd, const MountAttributes& a) {
  return set_attributes(mount_fd, "", a);
}
Status set_mount_attributes(const char* path, const MountAttributes& a) {
  return set_attributes(AT_FDCWD, path, a);
}

Status attach_mount(int mount_fd, int dirfd, const char* path) {
  unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*path == 0 ? MOVE_MOUNT_T_EMPTY_PATH : 0u);
  if (::move_mount(mount_fd, "", dirfd, path, flags) < 0)
    return fail_errno(std::string("move_mount ") + path);
  return {};
}

Status pivot_into(int new_root) {
  if (::fchdir(new_root) < 0) return fail_errno("fchdir to the new root");
  if (::syscall(SYS_pivot_root, ".", ".") < 0) return fail_errno("pivot_root");
  // The old root now lies on top of the new one, and "." is still the new one.
  if (::umount2(".", MNT_DETACH) < 0) return fail_errno("detach the old root");
  if (::chdir("/") < 0) return fail_errno("chdir /");
  return {};
}

}  // namespace dt::linux_
