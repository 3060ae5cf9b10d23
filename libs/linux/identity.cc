#include "libs/linux/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace dt::linux_ {
namespace {

// Runs in the caller's memory on a stack of its own, so it does nothing but wait to be killed.
int hold_namespace(void*) {
  for (;;) ::syscall(SYS_pause);
}

Status write_at(int dir, const std::string& path, const std::string& text) {
  Fd fd(::openat(dir, path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  if (::write(fd.get(), text.data(), text.size()) < 0) return fail_errno("write " + path);
  return {};
}

Result<Fd> map_and_open(int proc, pid_t pid, uint32_t first, uint32_t count) {
  std::string dir = std::to_string(pid);
  std::string map = "0 " + std::to_string(first) + " " + std::to_string(count);
  TRY_VOID(write_at(proc, dir + "/uid_map", map));
  TRY_VOID(write_at(proc, dir + "/gid_map", map));
  Fd ns(::openat(proc, (dir + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns) return fail_errno("open the user namespace");
  return ns;
}

}  // namespace

Result<Fd> make_user_namespace(int proc, uint32_t first, uint32_t count) {
  alignas(16) static char stack[4096];
  // CLONE_VM: nothing of the address space is copied. CLONE_FS must not be shared with a new user namespace.
  pid_t pid = ::clone(hold_namespace, stack + sizeof stack, CLONE_VM | CLONE_NEWUSER | CLONE_FILES, nullptr);
  if (pid < 0) return fail_errno("clone a user namespace");
  auto ns = map_and_open(proc, pid, first, count);
  ::kill(pid, SIGKILL);
  // The stack is static: it must not be used again before the child is gone.
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return ns;
}

Status set_all_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (::syscall(SYS_capget, &header, data) < 0) return fail_errno("capget");
  for (auto& d : data) d.effective = d.permitted;
  if (::syscall(SYS_capset, &header, data) < 0) return fail_errno("capset");
  return {};
}

Status set_file_identity(uint32_t id) {
  ::setfsgid(id);
  ::setfsuid(id);
  if (static_cast<uint32_t>(::setfsuid(static_cast<uid_t>(-1))) != id)
    return fail(Code::forbidden, "setfsuid was refused");
  return set_all_capabilities();
}

Status limit_bounding_set(uint64_t keep) {
  for (int cap = 0; cap < 64; ++cap) {
    if (keep & (1ull << cap)) continue;
    if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return {};  // past the kernel's last capability
    return fail_errno("drop from the capability bounding set");
  }
  return {};
}

Status set_capabilities(uint64_t caps) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].permitted = data[0].effective = static_cast<uint32_t>(caps);
  data[1].permitted = data[1].effective = static_cast<uint32_t>(caps >> 32);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return fail_errno("clear the ambient capabilities");
  if (::syscall(SYS_capset, &header, data) < 0) return fail_errno("capset");
  return {};
}

Status set_user(uint32_t uid, uint32_t gid, std::span<const gid_t> groups) {
  if (::setgroups(groups.size(), groups.data()) < 0) return fail_errno("setgroups");
  if (::setresgid(gid, gid, gid) < 0) return fail_errno("setresgid");
  if (::setresuid(uid, uid, uid) < 0) return fail_errno("setresuid");
  return {};
}

Status install_seccomp_filter(std::string_view bpf) {
  if (bpf.empty() || bpf.size() % sizeof(sock_filter) != 0)
    return fail(Code::internal, "seccomp filter has a wrong size");
  sock_fprog program{};
  program.len = static_cast<unsigned short>(bpf.size() / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(bpf.data()));
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    return fail_errno("install the seccomp filter");
  return {};
}

Status limit_resource(int resource, uint64_t value) {
  rlimit now;
  if (::prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &now) < 0)
    return fail_errno("getrlimit");
  rlimit wanted{value, value};
  if (::prlimit(0, static_cast<__rlimit_resource>(resource), &wanted, nullptr) == 0) return {};
  wanted.rlim_cur = wanted.rlim_max = std::min<rlim_t>(value, now.rlim_max);
  if (::prlimit(0, static_cast<__rlimit_resource>(resource), &wanted, nullptr) < 0)
    return fail_errno("setrlimit");
  return {};
}

void reset_signals() {
  for (int s = 1; s < _NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace dt::linux_
