#include "apps/runner/engine/seccomp_policy.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::runner::engine {
namespace {

constexpr std::string_view kAllowed =
    // processes and threads
    "arch_prctl brk capget capset execve execveat exit exit_group fork getcpu getegid geteuid getgid "
    "getgroups getpgid getpgrp "
    "getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid get_robust_list "
    "get_thread_area "
    "ioprio_get ioprio_set kcmp kill membarrier pause pidfd_getfd pidfd_open pidfd_send_signal prctl "
    "prlimit64 process_madvise "
    "process_mrelease process_vm_readv process_vm_writev ptrace restart_syscall rseq sched_getaffinity "
    "sched_getattr sched_getparam "
    "sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
    "sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp setfsgid setfsuid setgid setgroups setpgid "
    "setpriority setregid "
    "setresgid setresuid setreuid setrlimit setsid setuid set_robust_list set_thread_area set_tid_address "
    "tgkill times tkill umask "
    "uname vfork wait4 waitid landlock_add_rule landlock_create_ruleset landlock_restrict_self chroot "
    // signals
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_tgsigqueueinfo "
    "sigaltstack signalfd signalfd4 "
    // memory
    "madvise memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock "
    "munlockall munmap "
    "pkey_alloc pkey_free pkey_mprotect remap_file_pages "
    // files
    "access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 "
    "fadvise64 fallocate "
    "fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr "
    "fsetxattr fstat fstatfs "
    "fsync ftruncate futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch "
    "ioctl lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir "
    "mkdirat mknod mknodat "
    "name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read "
    "readahead readlink "
    "readlinkat readv removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs statx "
    "symlink symlinkat "
    "sync sync_file_range syncfs tee truncate unlink unlinkat utime utimensat utimes vmsplice write writev "
    // waiting, time, asynchronous I/O
    "alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait "
    "epoll_pwait2 epoll_wait "
    "eventfd eventfd2 futex futex_waitv getitimer gettimeofday io_cancel io_destroy io_getevents "
    "io_pgetevents io_setup io_submit "
    "nanosleep poll ppoll pselect6 select setitimer time timer_create timer_delete timer_getoverrun "
    "timer_gettime timer_settime "
    "timerfd_create timerfd_gettime timerfd_settime "
    // communication
    "accept accept4 bind connect getpeername getsockname getsockopt listen mq_getsetattr mq_notify mq_open "
    "mq_timedreceive "
    "mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 recvfrom recvmmsg recvmsg semctl semget "
    "semop semtimedop "
    "sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair getrandom sysinfo";

// Newer than the library's tables: cachestat, fchmodat2, map_shadow_stack, futex_wake, futex_wait,
// futex_requeue, statmount, listmount, mseal, setxattrat, getxattrat, listxattrat, removexattrat. The numbers
// are the same on every architecture.
constexpr std::array kAllowedNumbers = {451, 452, 453, 454, 455, 456, 457, 458, 462, 463, 464, 465, 466};

constexpr std::string_view kForbidden =
    "acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module fanotify_init "
    "fanotify_mark finit_module "
    "fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter "
    "io_uring_register io_uring_setup "
    "ioperm iopl kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages mount mount_setattr "
    "move_mount move_pages "
    "nfsservctl open_by_handle_at open_tree perf_event_open pivot_root query_module quotactl quotactl_fd "
    "reboot request_key "
    "set_mempolicy set_mempolicy_home_node sethostname setdomainname setns settimeofday swapoff swapon "
    "syslog umount2 userfaultfd "
    "vhangup";

constexpr std::array<uint64_t, 6> kPersonalities = {
    0, UNAME26, 0x20000, 0x20000 | UNAME26, ADDR_NO_RANDOMIZE, 0xffffffff};
constexpr std::array<uint64_t, 7> kNamespaceFlags = {
    CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
constexpr uint64_t kNewTime = 0x80;  // only unshare: in clone it is part of the signal number
constexpr int kNetlinkRoute = 0, kNetlinkSockDiag = 4, kNetlinkEnd = 32;

scmp_arg_cmp equal(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Policy {
 public:
  Policy() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release) {
    if (!context_) error_ = -ENOMEM;
  }
  void attribute(scmp_filter_attr name, uint32_t value) {
    note(seccomp_attr_set(context_.get(), name, value));
  }
  void rule(uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    note(seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(conditions.size()),
                                conditions.begin()));
  }
  void rules(uint32_t action, std::string_view names) {
    for (std::string_view name : split(names, ' ')) {
      int call = name.empty() ? __NR_SCMP_ERROR : seccomp_syscall_resolve_name(std::string(name).c_str());
      // Negative: this architecture does not have it.
      if (call >= 0) rule(action, call);
    }
  }
  Result<std::string> compile() {
    Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return fail_errno("memfd_create");
    if (error_ == 0) error_ = seccomp_export_bpf(context_.get(), file.get());
    if (error_ != 0) return fail_errno("compile the seccomp filter", -error_);
    ::lseek(file.get(), 0, SEEK_SET);
    return read_all(file.get());
  }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = result;
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

void add_namespace_rules(Policy& policy, int call, bool with_time) {
  uint64_t all = with_time ? kNewTime : 0;
  for (uint64_t flag : kNamespaceFlags) all |= flag;
  policy.rule(SCMP_ACT_ALLOW, call, {masked(0, all, 0)});
  for (uint64_t flag : kNamespaceFlags) policy.rule(SCMP_ACT_ERRNO(EPERM), call, {masked(0, flag, flag)});
  if (with_time) policy.rule(SCMP_ACT_ERRNO(EPERM), call, {masked(0, kNewTime, kNewTime)});
}

void add_socket_rules(Policy& policy) {
  int call = SCMP_SYS(socket);
  for (uint64_t family = 0; family < AF_MAX; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) {
      policy.rule(SCMP_ACT_ALLOW, call, {equal(0, family)});
    } else if (family != AF_NETLINK) {
      policy.rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), call, {equal(0, family)});
    }
  }
  for (int protocol = 0; protocol < kNetlinkEnd; ++protocol) {
    bool good = protocol == kNetlinkRoute || protocol == kNetlinkSockDiag;
    // As a kernel without the protocol: libaudit, and with it sudo, goes on without it.
    policy.rule(good ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPROTONOSUPPORT), call,
                {equal(0, AF_NETLINK), equal(2, static_cast<uint64_t>(protocol))});
  }
}

}  // namespace

Result<std::string> compile_seccomp_filter() {
  Policy policy;
  policy.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  policy.attribute(SCMP_FLTATR_CTL_NNP, 0);  // sudo must work inside
  policy.attribute(SCMP_FLTATR_CTL_OPTIMIZE,
                   2);  // a binary tree: a linear list costs each call, and the kernel's own preparation
  policy.rules(SCMP_ACT_ALLOW, kAllowed);
  for (int call : kAllowedNumbers) policy.rule(SCMP_ACT_ALLOW, call);
  policy.rules(SCMP_ACT_ERRNO(EPERM), kForbidden);
  for (uint64_t value : kPersonalities) policy.rule(SCMP_ACT_ALLOW, SCMP_SYS(personality), {equal(0, value)});
  add_namespace_rules(policy, SCMP_SYS(clone), false);
  add_namespace_rules(policy, SCMP_SYS(unshare), true);
  add_socket_rules(policy);
  return policy.compile();
}

}  // namespace dt::runner::engine
