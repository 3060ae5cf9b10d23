#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libs/net/loop.h"

namespace dt {

struct SignalWatch::Impl {
  Fd fd;
  std::unique_ptr<Watch> watch;
  sigset_t before;
};

SignalWatch::SignalWatch() : impl_(std::make_unique<Impl>()) {
  sigset_t waited, blocked;
  sigemptyset(&waited);
  sigaddset(&waited, SIGTERM);
  sigaddset(&waited, SIGINT);
  blocked = waited;
  sigaddset(&blocked, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &blocked, &impl_->before);
  impl_->fd = Fd(signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK));
  CHECK(impl_->fd);
  impl_->watch = std::make_unique<Watch>(impl_->fd.get());
}

SignalWatch::~SignalWatch() { pthread_sigmask(SIG_SETMASK, &impl_->before, nullptr); }

Task<int> SignalWatch::next() {
  for (;;) {
    signalfd_siginfo info;
    ssize_t n = ::read(impl_->fd.get(), &info, sizeof info);
    if (n == sizeof info) co_return static_cast<int>(info.ssi_signo);
    co_await impl_->watch->readable();
  }
}

}  // namespace dt
