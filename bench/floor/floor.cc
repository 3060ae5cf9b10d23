#include "bench/floor/floor.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "libs/base/fd.h"
#include "libs/linux/mount.h"
#include "libs/linux/process.h"

namespace dt::bench {
namespace {

constexpr uint64_t kNamespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                                 CLONE_NEWCGROUP | CLONE_NEWNET | 0x80;

Status build_root(const FloorSpec& spec, int lower) {
  // A tmpfs of our own over /sys, which nobody needs here, holds the mount points.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return fail_errno("private");
  if (::mount("tmpfs", "/sys", "tmpfs", 0, nullptr) < 0) return fail_errno("tmpfs");
  if (::mkdir("/sys/lower", 0755) < 0 || ::mkdir("/sys/root", 0755) < 0) return fail_errno("mkdir");
  TRY_VOID(linux_::attach_mount(lower, AT_FDCWD, "/sys/lower"));
  std::string options = "lowerdir=/sys/lower,upperdir=" + spec.upper + ",workdir=" + spec.work;
  if (::mount("overlay", "/sys/root", "overlay", MS_NODEV, options.c_str()) < 0) return fail_errno("overlay");
  if (::mount("proc", "/sys/root/proc", "proc", 0, nullptr) < 0) return fail_errno("proc");
  TRY(Fd root, open_file("/sys/root", O_PATH | O_DIRECTORY));
  return linux_::pivot_into(root.get());
}

[[noreturn]] void run_child(const FloorSpec& spec, int lower, int go) {
  char byte;
  if (::read(go, &byte, 1) != 1) ::_exit(99);
  if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) ::_exit(98);
  Status built = build_root(spec, lower);
  if (!built) {
    ::dprintf(2, "floor: %s\n", built.error().message.c_str());
    ::_exit(97);
  }
  ::execl("/bin/sh", "sh", "-c", "true", nullptr);
  ::_exit(96);
}

Status write_map(pid_t pid, const char* name, uint32_t first) {
  TRY(Fd fd, open_file(("/proc/" + std::to_string(pid) + "/" + name).c_str(), O_WRONLY));
  return write_all(fd.get(), "0 " + std::to_string(first) + " 65536");
}

Status release_child(const FloorSpec& spec, pid_t pid, int lower, int go) {
  TRY_VOID(write_map(pid, "uid_map", spec.id_range));
  TRY_VOID(write_map(pid, "gid_map", spec.id_range));
  TRY(Fd userns, linux_::namespace_of(pid, "user"));
  TRY_VOID(linux_::set_mount_attributes(lower, {.idmap_userns = userns.get()}));
  return write_all(go, "g");
}

}  // namespace

Result<double> run_floor(const FloorSpec& spec) {
  if (::chown(spec.upper.c_str(), spec.id_range, spec.id_range) < 0 ||
      ::chown(spec.work.c_str(), spec.id_range, spec.id_range) < 0)
    return fail_errno("chown");
  auto start = std::chrono::steady_clock::now();
  TRY(Fd lower, linux_::clone_mount(AT_FDCWD, spec.rootfs.c_str()));
  TRY(Pipe go, make_pipe());
  TRY(auto child, linux_::clone_process({.flags = kNamespaces}));
  if (child.pid == 0) run_child(spec, lower.get(), go.read.get());
  Status released = release_child(spec, child.pid, lower.get(), go.write.get());
  go.write.reset();
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  auto end = std::chrono::steady_clock::now();
  TRY_VOID(released);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Code::internal, "the floor's child failed with " + std::to_string(status));
  return std::chrono::duration<double, std::milli>(end - start).count();
}

}  // namespace dt::bench
