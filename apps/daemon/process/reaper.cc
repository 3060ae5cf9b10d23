#include "apps/daemon/process/reaper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace dt::daemon {

Child::Child(Reaper& reaper, pid_t pid) : reaper_(reaper), pid_(pid) {
  reaper_.children_.insert_or_assign(pid, this);
}

Child::~Child() {
  if (!exited()) reaper_.children_[pid_] = nullptr;
}

void Child::signal_group(int signal) const {
  if (!exited()) ::kill(-pid_, signal);
}

Reaper::Reaper() {
  sigset_t chld;
  ::sigemptyset(&chld);
  ::sigaddset(&chld, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &chld, nullptr);
  signals_ = Fd(::signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK(static_cast<bool>(signals_));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Reaper::~Reaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

void Reaper::stop() {
  stopping_ = true;
  if (watch_) watch_->cancel();
}

Task<void> Reaper::run() {
  Watch watch(signals_.get());
  watch_ = &watch;
  collect();
  while (!stopping_) {
    signalfd_siginfo info[8];
    ssize_t n = ::read(signals_.get(), info, sizeof info);
    if (n > 0) {
      collect();
      continue;
    }
    bool ready = co_await watch.readable();
    if (!ready) break;
  }
  watch_ = nullptr;
}

void Reaper::collect() {
  for (;;) {
    int status = 0;
    pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return;
    auto it = children_.find(pid);
    if (it == children_.end()) continue;
    Child* child = it->second;
    children_.erase(it);
    if (!child) continue;
    if (WIFSIGNALED(status))
      child->signal_ = WTERMSIG(status);
    else
      child->status_ = WEXITSTATUS(status);
    child->exited_.set();  // waiters go on in the loop's next turn
    if (child->on_exit_) child->on_exit_();
  }
}

void Reaper::signal_all(int signal) const {
  for (const auto& [pid, child] : children_) ::kill(-pid, signal);
}

}  // namespace dt::daemon
