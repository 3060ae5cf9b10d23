#include "apps/daemon/process/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <tuple>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr size_t kStackSize = 64 * 1024;

enum class Step { clone, redirect, chdir, exec };

struct ChildPlan {
  const SpawnRequest* request;
  sigset_t no_signals;
  Step step = Step::clone;
  int error = 0;
};

// Runs in the child, on our memory: system calls only, nothing allocated, nothing locked.
int child_main(void* argument) {
  auto* plan = static_cast<ChildPlan*>(argument);
  const SpawnRequest& r = *plan->request;
  bool terminal = r.leads == SpawnRequest::Leads::terminal;
  if (terminal)
    ::setsid();
  else
    ::setpgid(0, 0);
  // Handlers go back to default with exec by themselves; ignored signals do not.
  struct sigaction default_action{};
  default_action.sa_handler = SIG_DFL;
  for (int signal : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGTTIN, SIGTTOU, SIGTSTP})
    ::sigaction(signal, &default_action, nullptr);
  plan->step = Step::redirect;
  bool redirected = ::dup2(r.stdin_fd, 0) >= 0 && ::dup2(r.stdout_fd, 1) >= 0 && ::dup2(r.stderr_fd, 2) >= 0;
  if (redirected && terminal) redirected = ::ioctl(0, TIOCSCTTY, 0) == 0;
  if (redirected) {
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    plan->step = Step::chdir;
    if (!r.cwd || ::chdir(r.cwd) == 0) {
      plan->step = Step::exec;
      ::sigprocmask(SIG_SETMASK, &plan->no_signals, nullptr);
      ::execve(r.program, r.argv, r.envp);
    }
  }
  plan->error = errno;
  ::_exit(127);
}

std::string lower_first(const char* text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(out[0] | 0x20);
  return out;
}

std::unexpected<Error> spawn_error(const ChildPlan& plan) {
  std::string reason = lower_first(strerrordesc_np(plan.error));
  Error error{Code::io, {}, {}, plan.error};
  switch (plan.step) {
    case Step::chdir:
      error.message = "chdir " + std::string(plan.request->cwd) + ": " + reason;
      break;
    case Step::exec:
      error.message = "fork/exec " + std::string(plan.request->program) + ": " + reason;
      break;
    default:
      error.message = "fork " + std::string(plan.request->program) + ": " + reason;
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Spawner::Spawner() {
  stack_ =
      ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  CHECK(stack_ != MAP_FAILED);
  if (auto text = read_file("/proc/self/oom_score_adj", 64))
    oom_score_adj_ = static_cast<int>(parse_int(trim(*text)).value_or(0));
}

Spawner::~Spawner() { ::munmap(stack_, kStackSize); }

Result<pid_t> Spawner::spawn(const SpawnRequest& request) {
  ChildPlan plan{&request, {}};
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigemptyset(&plan.no_signals);
  // No handler may run in the child while it shares our memory.
  ::sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid =
      ::clone(child_main, static_cast<char*>(stack_) + kStackSize, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  int clone_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    plan.error = clone_error;
    return spawn_error(plan);
  }
  if (plan.error) {
    // It never became a program; nobody else knows this pid, so it is reaped here (on this thread, before the
    // reaper).
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return spawn_error(plan);
  }
  if (oom_score_adj_ != 0) {
    auto fd = open_file(("/proc/" + std::to_string(pid) + "/oom_score_adj").c_str(), O_WRONLY);
    if (fd) std::ignore = write_all(fd->get(), "0");
  }
  return pid;
}

}  // namespace dt::daemon
