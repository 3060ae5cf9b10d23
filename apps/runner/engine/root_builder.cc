#include "apps/runner/engine/root_builder.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libs/linux/identity.h"
#include "libs/linux/mount.h"
#include "libs/linux/path.h"

namespace dt::runner::engine {
namespace {

using linux_::attach_mount;
using linux_::clone_mount;
using linux_::FsContext;

constexpr unsigned kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
constexpr uint32_t kIdCount = 65'536;
constexpr gid_t kTtyGroup = 5;

// The same lists as the OCI engines'; what this kernel does not have is skipped.
constexpr const char* kMaskedFiles[] = {"kcore",       "keys",          "timer_list", "timer_stats",
                                        "sched_debug", "latency_stats", "interrupts", "kmsg",
                                        "kallsyms",    "kpagecount",    "kpageflags", "kpagecgroup"};
constexpr const char* kMaskedDirectories[] = {"acpi", "scsi", "asound"};
constexpr const char* kReadOnly[] = {"sys", "bus", "fs", "irq", "sysrq-trigger"};

struct Node {
  const char* name;
  unsigned major, minor;
};
constexpr Node kNodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                           {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr Link kLinks[] = {{"ptmx", "pts/ptmx"},
                           {"fd", "/proc/self/fd"},
                           {"stdin", "/proc/self/fd/0"},
                           {"stdout", "/proc/self/fd/1"},
                           {"stderr", "/proc/self/fd/2"}};

Status id_map(int mount, int userns, const char* what) {
  auto mapped = linux_::set_mount_attributes(mount, {.make_private = true, .idmap_userns = userns});
  if (mapped) return {};
  return std::unexpected(std::move(mapped.error())
                             .context(std::string(what) + ": this file system cannot be mounted id-mapped "
                                                          "(ext4, xfs or btrfs on Linux 5.19 or newer can)"));
}

}  // namespace

Status RootBuilder::build_layers() {
  TRY(auto proc, FsContext::open("proc"));
  TRY(proc_, proc.mount(kInert));
  TRY(userns_, linux_::make_user_namespace(proc_.get(), request_.id_range, kIdCount));
  TRY_VOID(id_map(fds_.lower.get(), userns_.get(), "image layer"));
  TRY_VOID(id_map(fds_.disk.get(), userns_.get(), "disk"));
  // Attached, because kernels before 6.15 accept no detached mount as a layer.
  TRY_VOID(attach_mount(fds_.lower.get(), AT_FDCWD, "/lower"));
  TRY_VOID(attach_mount(fds_.disk.get(), AT_FDCWD, "/disk"));
  // From here files are made as the sandbox's root: on an id-mapped layer the host's root is nobody and may
  // create nothing.
  TRY_VOID(linux_::set_file_identity(request_.id_range));
  TRY(auto overlay, FsContext::open("overlay"));
  TRY_VOID(overlay.set("lowerdir", "/lower"));
  TRY_VOID(overlay.set("upperdir", "/disk/" + request_.upper));
  TRY_VOID(overlay.set("workdir", "/disk/" + request_.work));
  TRY_VOID(overlay.set("redirect_dir",
                       "nofollow"));  // a disk must mean the same without its overlay: no hidden redirects
  TRY_VOID(overlay.set("metacopy", "off"));
  TRY_VOID(overlay.set("index", "off"));
  TRY(root_, overlay.mount(MOUNT_ATTR_NODEV));
  return attach_mount(root_.get(), AT_FDCWD, "/root");
}

Status RootBuilder::build_mounts() {
  TRY_VOID(add_dev());
  TRY_VOID(add_etc_file("etc/resolv.conf", request_.resolv_conf));
  TRY_VOID(add_etc_file("etc/hosts", request_.hosts));
  TRY_VOID(add_etc_file("etc/hostname", request_.hostname + "\n"));
  TRY_VOID(add_daemon());
  TRY_VOID(add_sys());
  // Last, so that no path above could lead through it.
  return add_proc();
}

// Attaches on a directory of the image, which is made when missing. A link in its place is refused.
Status RootBuilder::attach(int mount, const char* path) {
  if (::mkdirat(root_.get(), path, 0755) < 0 && errno != EEXIST)
    return fail_errno(std::string("mkdir /") + path);
  Fd place(::openat(root_.get(), path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!place) return fail_errno(std::string("/") + path + " of the image is not a plain directory");
  return attach_mount(mount, place.get(), "");
}

Status RootBuilder::add_proc() {
  TRY_VOID(attach(proc_.get(), "proc"));
  return mask_proc();
}

Status RootBuilder::mask_proc() {
  auto cover = [&](const char* path, Result<Fd> with) -> Status {
    if (!with) return std::unexpected(std::move(with.error()));
    return attach_mount(with->get(), proc_.get(), path);
  };
  auto exists = [&](const char* path) { return ::faccessat(proc_.get(), path, F_OK, 0) == 0; };
  for (const char* path : kReadOnly) {
    if (!exists(path)) continue;
    TRY(Fd same, clone_mount(proc_.get(), path));
    TRY_VOID(linux_::set_mount_attributes(same.get(), {.set = MOUNT_ATTR_RDONLY}));
    TRY_VOID(attach_mount(same.get(), proc_.get(), path));
  }
  for (const char* path : kMaskedFiles)
    if (exists(path)) TRY_VOID(cover(path, clone_mount(null_.get(), "", AT_EMPTY_PATH)));
  for (const char* path : kMaskedDirectories)
    if (exists(path)) TRY_VOID(cover(path, clone_mount(AT_FDCWD, "/empty")));
  return {};
}

Status RootBuilder::add_dev() {
  TRY(auto fs, FsContext::open("tmpfs"));
  std::string id = std::to_string(request_.id_range);
  TRY_VOID(fs.set("mode", "0755"));
  TRY_VOID(fs.set("uid", id));
  TRY_VOID(fs.set("gid", id));
  TRY_VOID(fs.set("size", std::to_string(request_.shm_bytes)));
  TRY(dev_, fs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY_VOID(attach(dev_.get(), "dev"));
  TRY_VOID(add_device_nodes());
  return add_dev_mounts();
}

// Made from nothing, by the host's root: an inode of its own per sandbox, so that nobody watches or locks a
// neighbour's.
Status RootBuilder::add_device_nodes() {
  for (auto& node : kNodes)
    if (::mknodat(dev_.get(), node.name, S_IFCHR | 0666, makedev(node.major, node.minor)) < 0)
      return fail_errno(std::string("mknod /dev/") + node.name);
  for (auto& link : kLinks)
    if (::symlinkat(link.target, dev_.get(), link.name) < 0)
      return fail_errno(std::string("symlink /dev/") + link.name);
  for (const char* name : {"pts", "mqueue", ".daytona"})
    if (::mkdirat(dev_.get(), name, 0755) < 0) return fail_errno(std::string("mkdir /dev/") + name);
  if (::mkdirat(dev_.get(), "shm", 01777) < 0) return fail_errno("mkdir /dev/shm");
  null_.reset(::openat(dev_.get(), "null", O_PATH | O_CLOEXEC));
  return {};
}

Status RootBuilder::add_dev_mounts() {
  TRY(auto pts, FsContext::open("devpts"));
  TRY_VOID(pts.set("ptmxmode", "0666"));
  TRY_VOID(pts.set("mode", "0620"));
  TRY_VOID(pts.set("gid", std::to_string(request_.id_range + kTtyGroup)));
  TRY(Fd pts_mount, pts.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY_VOID(attach_mount(pts_mount.get(), dev_.get(), "pts"));
  TRY(auto mqueue, FsContext::open("mqueue"));
  TRY(Fd mqueue_mount, mqueue.mount(kInert));
  return attach_mount(mqueue_mount.get(), dev_.get(), "mqueue");
}

Status RootBuilder::add_sys() {
  TRY(Fd sys, clone_mount(AT_FDCWD, "/sys", AT_RECURSIVE));
  return attach(sys.get(), "sys");
}

// The file lives in /dev's tmpfs and is mounted over the image's, so that the disk keeps nothing of this run.
// When the sandbox has put something there on which no file can be mounted, it goes without: that hurts only
// itself.
Status RootBuilder::add_etc_file(const char* path, const std::string& content) {
  std::string name = ".daytona/" + std::string(path).substr(4);
  Fd file(::openat(dev_.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) return fail_errno("create /dev/" + name);
  TRY_VOID(write_all(file.get(), content));
  auto place = linux_::ensure_file_in_root(root_.get(), path);
  if (!place) return {};
  TRY(Fd mount, clone_mount(dev_.get(), name.c_str()));
  return attach_mount(mount.get(), place->get(), "");
}

Status RootBuilder::add_daemon() {
  TRY(Fd mount, clone_mount(AT_FDCWD, "/daemon"));
  auto place = linux_::ensure_file_in_root(root_.get(), "usr/local/bin/daytona", 0755);
  if (place) TRY_VOID(attach_mount(mount.get(), place->get(), ""));
  daemon_ = std::move(mount);
  return {};
}

Status RootBuilder::add_cgroup_view(const CgroupView& view) {
  std::string source = "/cg/" + view.controller + (view.controller.empty() ? "" : "/") + request_.name;
  TRY(Fd group, clone_mount(AT_FDCWD, source.c_str()));
  std::string place = "sys/fs/cgroup/" + view.controller;
  return attach_mount(group.get(), root_.get(), place.c_str());
}

Status RootBuilder::finish(const std::vector<CgroupView>& views) {
  if (::unshare(CLONE_NEWCGROUP) < 0) return fail_errno("unshare the cgroup namespace");
  for (auto& view : views) TRY_VOID(add_cgroup_view(view));
  return linux_::pivot_into(root_.get());
}

}  // namespace dt::runner::engine
