#include "apps/runner/engine/spawner_root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/base/text.h"
#include "libs/linux/mount.h"

namespace dt::runner::engine {
namespace {

using linux_::attach_mount;
using linux_::clone_mount;
using linux_::FsContext;

constexpr unsigned kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// What /sys tells about the machine or offers to its administrator only.
constexpr const char* kMaskedSys[] = {
    "firmware",        "class/dmi",    "devices/virtual/dmi", "devices/virtual/powercap",
    "kernel/security", "kernel/debug", "kernel/tracing",      "fs/bpf",
    "fs/pstore",       "fs/selinux",   "fs/fuse/connections", "power",
    "hypervisor"};

Result<Fd> new_tmpfs(const char* size) {
  TRY(auto fs, FsContext::open("tmpfs"));
  TRY_VOID(fs.set("mode", "0755"));
  TRY_VOID(fs.set("size", size));
  return fs.mount(kInert);
}

Status make_directories(int root, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (::mkdirat(root, name, 0755) < 0) return fail_errno(std::string("mkdir ") + name);
  return {};
}

Status make_read_only(int mount) { return linux_::set_mount_attributes(mount, {.set = MOUNT_ATTR_RDONLY}); }

Status attach_empty(int root) {
  TRY(Fd empty, new_tmpfs("4k"));
  TRY_VOID(make_read_only(empty.get()));
  return attach_mount(empty.get(), root, "empty");
}

// /sys/fs/cgroup: a directory per controller, on which a child mounts its own group. With v2 it mounts on
// /sys/fs/cgroup itself.
Status attach_cgroup_directory(int sys, const Setup& setup) {
  TRY(Fd dirs, new_tmpfs("64k"));
  for (auto& view : setup.views)
    if (!view.controller.empty()) TRY_VOID(make_directories(dirs.get(), {view.controller.c_str()}));
  TRY_VOID(make_read_only(dirs.get()));
  return attach_mount(dirs.get(), sys, "fs/cgroup");
}

Status attach_sys(int root, const Setup& setup) {
  TRY(auto fs, FsContext::open("sysfs"));
  TRY(Fd sys, fs.mount(kInert | MOUNT_ATTR_RDONLY));
  TRY_VOID(attach_mount(sys.get(), root, "sys"));
  for (const char* path : kMaskedSys) {
    if (::faccessat(sys.get(), path, F_OK, 0) < 0) continue;
    TRY(Fd mask, clone_mount(root, "empty"));
    TRY_VOID(attach_mount(mask.get(), sys.get(), path));
  }
  return attach_cgroup_directory(sys.get(), setup);
}

Status attach_daemon(int root, Fd daemon) {
  Fd place(::openat(root, "daemon", O_CREAT | O_WRONLY | O_CLOEXEC, 0444));
  if (!place) return fail_errno("create daemon");
  TRY_VOID(linux_::set_mount_attributes(
      daemon.get(), {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .make_private = true}));
  return attach_mount(daemon.get(), root, "daemon");
}

Status attach_cgroups(int root, const Setup& setup) {
  for (auto& view : setup.views) {
    std::string place = "cg/" + view.controller;
    if (!view.controller.empty()) TRY_VOID(make_directories(root, {place.c_str()}));
    TRY(Fd group, clone_mount(AT_FDCWD, view.source.c_str()));
    TRY_VOID(
        linux_::set_mount_attributes(group.get(), {.set = MOUNT_ATTR_RDONLY | kInert, .make_private = true}));
    TRY_VOID(attach_mount(group.get(), root, place.c_str()));
  }
  return {};
}

}  // namespace

Status enter_spawner_root(const Setup& setup) {
  // An own, empty network: the template's /sys/class/net then tells nothing about the host's.
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) < 0) return fail_errno("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
    return fail_errno("make mounts private");
  TRY(Fd daemon, clone_mount(AT_FDCWD, setup.daemon_path.c_str()));
  TRY(Fd root, new_tmpfs("1m"));
  TRY_VOID(attach_mount(root.get(), AT_FDCWD, "/proc"));
  TRY_VOID(make_directories(root.get(), {"root", "lower", "disk", "sys", "empty", "cg"}));
  TRY_VOID(attach_empty(root.get()));
  TRY_VOID(attach_sys(root.get(), setup));
  TRY_VOID(attach_daemon(root.get(), std::move(daemon)));
  TRY_VOID(attach_cgroups(root.get(), setup));
  TRY_VOID(make_read_only(root.get()));
  return linux_::pivot_into(root.get());
}

Fd hold_fast_cgroup_moves() {
  auto fs = FsContext::open("cgroup");
  if (!fs || !fs->set_flag("none") || !fs->set("name", "daytona") || !fs->set_flag("favordynmods"))
    return Fd();
  auto mount = fs->mount(kInert | MOUNT_ATTR_RDONLY);
  return mount ? std::move(*mount) : Fd();
}

}  // namespace dt::runner::engine
