#include "apps/daemon/pty/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

namespace dt::daemon {

Status set_window_size(int master, WindowSize size) {
  winsize wanted{.ws_row = size.rows, .ws_col = size.cols, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::ioctl(master, TIOCSWINSZ, &wanted) < 0) return fail_errno("window size");
  return {};
}

Result<Pty> Pty::open(WindowSize size) {
  Pty pty;
  TRY(pty.master_, open_file("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  int unlock = 0;
  if (::ioctl(pty.master_.get(), TIOCSPTLCK, &unlock) < 0) return fail_errno("unlock terminal");
  // Not by its name: /dev/pts may be another instance of devpts than the one that /dev/ptmx belongs to.
  pty.terminal_.reset(::ioctl(pty.master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.terminal_) return fail_errno("open terminal");
  termios modes{};
  if (::tcgetattr(pty.terminal_.get(), &modes) < 0) return fail_errno("terminal modes");
  modes.c_iflag |= IUTF8;
  if (::tcsetattr(pty.terminal_.get(), TCSANOW, &modes) < 0) return fail_errno("terminal modes");
  TRY_VOID(set_window_size(pty.master_.get(), size));
  return pty;
}

Result<pid_t> Pty::spawn(Spawner& spawner, SpawnRequest request) {
  if (!terminal_) return fail(Code::bad_request, "a program was started on this terminal before");
  request.stdin_fd = request.stdout_fd = request.stderr_fd = terminal_.get();
  request.leads = SpawnRequest::Leads::terminal;
  TRY(pid_t pid, spawner.spawn(request));
  terminal_.reset();
  return pid;
}

Status Pty::resize(WindowSize size) { return set_window_size(master_.get(), size); }

}  // namespace dt::daemon
