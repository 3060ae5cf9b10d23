// Single system calls as hostile code would make them; linked into test_init. Arguments are chosen so that a
// call that gets past the seccomp filter fails for another reason than EPERM or ENOSYS, or does nothing.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>

namespace {

struct Probe {
  const char* name;
  std::function<long()> call;
};

const char kEmpty[1] = "";
timespec now{};

const Probe kProbes[] = {
    {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
    {"keyctl", [] { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0); }},
    {"add_key", [] { return ::syscall(SYS_add_key, "user", "x", "y", 1, -3); }},
    {"request_key", [] { return ::syscall(SYS_request_key, "user", "x", nullptr, 0); }},
    {"kexec_load", [] { return ::syscall(SYS_kexec_load, 0, 0, nullptr, 0); }},
    {"kexec_file_load", [] { return ::syscall(SYS_kexec_file_load, -1, -1, 0, "", 0); }},
    {"init_module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
    {"finit_module", [] { return ::syscall(SYS_finit_module, -1, "", 0); }},
    {"delete_module", [] { return ::syscall(SYS_delete_module, "x", 0); }},
    {"clock_settime",
     [] {
       ::clock_gettime(CLOCK_REALTIME, &now);
       return ::syscall(SYS_clock_settime, CLOCK_REALTIME, &now);
     }},
    {"settimeofday", [] { return ::syscall(SYS_settimeofday, nullptr, nullptr); }},
    {"adjtimex", [] { return ::syscall(SYS_adjtimex, nullptr); }},
    {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
    {"io_uring_enter", [] { return ::syscall(SYS_io_uring_enter, -1, 0, 0, 0, nullptr, 0); }},
    {"open_by_handle_at", [] { return ::syscall(SYS_open_by_handle_at, -1, nullptr, 0); }},
    {"mount", [] { return ::syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr); }},
    {"umount2", [] { return ::syscall(SYS_umount2, "/proc", MNT_DETACH); }},
    {"pivot_root", [] { return ::syscall(SYS_pivot_root, ".", "."); }},
    {"open_tree", [] { return ::syscall(SYS_open_tree, AT_FDCWD, "/", 1); }},
    {"move_mount", [] { return ::syscall(SYS_move_mount, -1, "", -1, "", 0); }},
    {"fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0); }},
    {"mount_setattr", [] { return ::syscall(SYS_mount_setattr, AT_FDCWD, "/proc/sys", 0, nullptr, 0); }},
    {"setns", [] { return ::syscall(SYS_setns, -1, 0); }},
    {"unshare_user", [] { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
    {"unshare_mount", [] { return ::syscall(SYS_unshare, CLONE_NEWNS); }},
    {"unshare_net", [] { return ::syscall(SYS_unshare, CLONE_NEWNET); }},
    {"unshare_files", [] { return ::syscall(SYS_unshare, CLONE_FILES); }},
    {"clone_user", [] { return ::syscall(SYS_clone, CLONE_NEWUSER | 17, nullptr, nullptr, nullptr, 0); }},
    {"clone3", [] { return ::syscall(SYS_clone3, nullptr, 0); }},
    {"reboot",
     [] { return ::syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, nullptr); }},  // CAD off: harmless
    {"swapon", [] { return ::syscall(SYS_swapon, "/nothing", 0); }},
    {"acct", [] { return ::syscall(SYS_acct, nullptr); }},
    {"syslog", [] { return ::syscall(SYS_syslog, 10, nullptr, 0); }},
    {"iopl", [] { return ::syscall(SYS_iopl, 3); }},
    {"ioperm", [] { return ::syscall(SYS_ioperm, 0x80, 1, 1); }},
    {"quotactl", [] { return ::syscall(SYS_quotactl, 0, nullptr, 0, nullptr); }},
    {"fanotify_init", [] { return ::syscall(SYS_fanotify_init, 0, 0); }},
    {"sethostname", [] { return ::syscall(SYS_sethostname, "x", 1); }},
    {"personality_linux", [] { return ::syscall(SYS_personality, 0xffffffff); }},
    {"personality_readexec", [] { return ::syscall(SYS_personality, READ_IMPLIES_EXEC); }},
    {"modify_ldt", [] { return ::syscall(SYS_modify_ldt, 0, nullptr, 0); }},
    {"unknown_call", [] { return ::syscall(999); }},
    {"socket_packet", [] { return ::syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"socket_raw", [] { return ::syscall(SYS_socket, AF_INET, SOCK_RAW, 1); }},
    {"socket_raw6", [] { return ::syscall(SYS_socket, AF_INET6, SOCK_RAW, 58); }},
    {"socket_vsock", [] { return ::syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
    {"socket_alg", [] { return ::syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }},
    {"socket_netfilter", [] { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 12); }},
    {"socket_uevent", [] { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 15); }},
    {"socket_audit", [] { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 9); }},
    {"socket_route", [] { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
    {"socket_inet", [] { return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"socket_unix", [] { return ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"ptrace_init", [] { return ::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr); }},
    {"effective_root",
     [] {
       errno = EPERM;
       return ::geteuid() == 0 ? 0L : -1L;
     }},
    {"empty_name", [] { return ::syscall(SYS_name_to_handle_at, -1, kEmpty, nullptr, nullptr, 0); }},
};

}  // namespace

int run_probes(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    for (const Probe& probe : kProbes) {
      if (std::strcmp(probe.name, argv[i]) != 0) continue;
      errno = 0;
      long result = probe.call();
      std::printf("%s: %s\n", probe.name, result >= 0 ? "ok" : strerrorname_np(errno));
    }
  }
  return 0;
}
