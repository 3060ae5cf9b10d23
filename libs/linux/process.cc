#include "libs/linux/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "libs/base/text.h"

namespace dt::linux_ {

Result<Cloned> clone_process(const CloneOptions& options) {
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = static_cast<uint64_t>(options.exit_signal);
  if (options.into_cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(options.into_cgroup);
  }
  long pid = ::syscall(SYS_clone3, &args, sizeof args);
  // Inside a sandbox the seccomp filter hides clone3, whose flags it cannot see.
  if (pid < 0 && errno == ENOSYS && options.into_cgroup < 0)
    pid = ::syscall(SYS_clone, args.flags | args.exit_signal, nullptr, &pidfd, nullptr, 0);
  if (pid < 0) return fail_errno("clone3");
  if (pid == 0) return Cloned{};
  return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};
}

Result<Fd> pidfd_open(pid_t pid) {
  // Not <sys/pidfd.h>: glibc 2.36 declares it without C linkage.
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return fail_errno("pidfd_open");
  return Fd(fd);
}

Result<pid_t> pidfd_pid(int pidfd) {
  TRY(std::string text, read_file("/proc/self/fdinfo/" + std::to_string(pidfd), 4096));
  for (std::string_view line : split(text, '\n')) {
    if (!line.starts_with("Pid:")) continue;
    auto pid = parse_int(trim(line.substr(4)));
    if (pid && *pid > 0) return static_cast<pid_t>(*pid);
  }
  return fail(Code::not_found, "the process has ended");
}

Status pidfd_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0 && errno != ESRCH)
    return fail_errno("pidfd_send_signal");
  return {};
}

int millis_until(Mono deadline) {
  if (deadline == kNever) return -1;
  auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now()).count();
  return left < 0 ? 0 : left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
}

Result<bool> pidfd_wait(int pidfd, Mono deadline) {
  for (;;) {
    pollfd p{pidfd, POLLIN, 0};
    int n = ::poll(&p, 1, millis_until(deadline));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) return fail_errno("poll pidfd");
  }
}

Result<ProcStat> proc_stat(pid_t pid) {
  TRY(std::string text, read_file("/proc/" + std::to_string(pid) + "/stat", 1 << 16));
  // The command name stands in parentheses and may contain anything, so count from the last one.
  size_t close = text.rfind(')');
  if (close == std::string::npos || close + 2 >= text.size())
    return fail(Code::internal, "unreadable /proc/<pid>/stat");
  auto fields = split(std::string_view(text).substr(close + 2), ' ');
  if (fields.size() < 20) return fail(Code::internal, "short /proc/<pid>/stat");
  ProcStat out;
  out.state = fields[0].empty() ? '?' : fields[0][0];
  out.parent = static_cast<pid_t>(parse_int(fields[1]).value_or(0));
  out.start_time = static_cast<uint64_t>(parse_int(fields[19]).value_or(0));
  return out;
}

Result<Fd> namespace_of(pid_t pid, const char* name) {
  return open_file(("/proc/" + std::to_string(pid) + "/ns/" + name).c_str(), O_RDONLY);
}

Status enter_namespace(int nsfd, int type) {
  if (::setns(nsfd, type) < 0) return fail_errno("setns");
  return {};
}

}  // namespace dt::linux_
