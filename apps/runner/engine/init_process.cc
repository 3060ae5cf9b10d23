#include "apps/runner/engine/init_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libs/linux/identity.h"
#include "libs/linux/path.h"
#include "libs/linux/process.h"

namespace dt::runner::engine {
namespace {

constexpr size_t kMaxPasswd = 1 << 20;
constexpr int kListenFd = 3, kReadyFd = 4, kFirstFree = 5;
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Above zero, so that a short host sacrifices sandboxes before its own services.
constexpr const char* kOomScore = "200";

Result<UserRecord> find_user(const std::string& spec) {
  Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  // A missing or unreadable file is an empty one: numbers and root still work.
  auto text = [&](const char* path) {
    return linux_::read_file_in_root(root.get(), path, kMaxPasswd).value_or("");
  };
  return resolve_user(spec, text("etc/passwd"), text("etc/group"));
}

Status set_host_side_limits(const LaunchRequest& request, int proc) {
  TRY_VOID(linux_::limit_resource(RLIMIT_NOFILE, request.open_files));
  TRY_VOID(linux_::limit_resource(RLIMIT_NPROC, request.pids));
  TRY_VOID(linux_::limit_resource(RLIMIT_CORE, 0));
  Fd score(::openat(proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!score) return fail_errno("open oom_score_adj");
  return write_all(score.get(), kOomScore);
}

Status drop_privileges(const UserRecord& user, int userns, const std::string& seccomp) {
  TRY_VOID(linux_::enter_namespace(userns, CLONE_NEWUSER));
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return fail_errno("keep capabilities");
  TRY_VOID(linux_::set_user(user.uid, user.gid, user.groups));
  TRY_VOID(linux_::set_all_capabilities());
  // A session keyring of its own: the inherited one is the host root's. A kernel without keyrings has nothing
  // to hide.
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
    return fail_errno("join a new session keyring");
  TRY_VOID(linux_::limit_bounding_set(bounding_capabilities()));
  TRY_VOID(linux_::install_seccomp_filter(seccomp));
  return linux_::set_capabilities(user.uid == 0 ? bounding_capabilities() : 0);
}

// 0 /dev/null, 1 and 2 the log, 3 the listening socket, 4 the ready pipe; everything else closes with exec.
Status arrange_descriptors(LaunchFds& fds) {
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("open /dev/null");
  int log = fds.log ? fds.log.get() : null.get();
  int listen = fds.listen ? fds.listen.get() : null.get();
  const int wanted[kFirstFree] = {null.get(), log, log, listen, fds.ready.get()};
  int copies[kFirstFree];
  for (int i = 0; i < kFirstFree; ++i) {
    copies[i] = ::fcntl(wanted[i], F_DUPFD_CLOEXEC, 16);  // out of the way of the targets
    if (copies[i] < 0) return fail_errno("dup");
  }
  // What stands at 3 and 4 now belongs to somebody; it must survive until exec.
  if (fds.reply.get() < kFirstFree) fds.reply.reset(::fcntl(fds.reply.get(), F_DUPFD_CLOEXEC, 16));
  (void)null.release();
  for (int i = 0; i < kFirstFree; ++i)
    if (::dup2(copies[i], i) < 0) return fail_errno("dup2");
  if (::close_range(kFirstFree, ~0u, CLOSE_RANGE_CLOEXEC) < 0) return fail_errno("close_range");
  return {};
}

std::vector<std::string> environment(const LaunchRequest& request, const UserRecord& user) {
  auto env = request.env;
  env.try_emplace("HOME", user.home);
  if (!user.name.empty()) env.try_emplace("USER", user.name);
  env.try_emplace("PATH", kDefaultPath);
  env["DAYTONA_LISTEN_FD"] = std::to_string(kListenFd);
  env["DAYTONA_READY_FD"] = std::to_string(kReadyFd);
  std::vector<std::string> out;
  for (auto& [key, value] : env) out.push_back(key + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& list) {
  std::vector<char*> out;
  for (auto& text : list) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

uint64_t bounding_capabilities() {
  uint64_t out = 0;
  for (int cap :
       {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD, CAP_NET_RAW, CAP_SETGID, CAP_SETUID,
        CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE})
    out |= 1ull << cap;
  return out;
}

Error become_daemon(const LaunchRequest& request, LaunchFds& fds, RootBuilder& root,
                    const std::string& seccomp, const std::function<void()>& before_exec) {
  auto user = find_user(request.user);
  if (!user) return std::move(user.error());
  if (auto s = set_host_side_limits(request, root.proc()); !s) return std::move(s.error());
  ::setsid();
  ::umask(022);
  Fd daemon = root.take_daemon();
  if (daemon.get() < kFirstFree) daemon.reset(::fcntl(daemon.get(), F_DUPFD_CLOEXEC, 16));
  if (auto s = drop_privileges(*user, root.userns(), seccomp); !s) return std::move(s.error());
  if (auto s = arrange_descriptors(fds); !s) return std::move(s.error());
  auto env = environment(request, *user);
  std::vector<std::string> args = {"daytona-daemon"};
  args.insert(args.end(), request.args.begin(), request.args.end());
  const std::string& dir = request.working_dir.empty() ? user->home : request.working_dir;
  if (::chdir(dir.c_str()) < 0 && ::chdir("/") < 0) return errno_error("chdir /", errno);
  linux_::reset_signals();
  auto argv = pointers(args);
  auto envp = pointers(env);
  before_exec();
  ::syscall(SYS_execveat, daemon.get(), "", argv.data(), envp.data(), AT_EMPTY_PATH);
  return errno_error("execute the daemon", errno);
}

}  // namespace dt::runner::engine
