#include "apps/daemon/process/discard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace dt::daemon {
namespace {

constexpr size_t kAtOnce = 1 << 20;

// False: the last writer is gone.
bool empty_it(int pipe, int nowhere) {
  for (;;) {
    ssize_t n = ::splice(pipe, nullptr, nowhere, nullptr, kAtOnce, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && errno == EAGAIN;
  }
}

}  // namespace

Task<void> discard_rest(Fd pipe) {
  auto nowhere = open_file("/dev/null", O_WRONLY);
  if (!nowhere) co_return;
  Watch watch(pipe.get());
  while (empty_it(pipe.get(), nowhere->get())) {
    bool ready = co_await watch.readable();
    if (!ready) co_return;
  }
}

}  // namespace dt::daemon
