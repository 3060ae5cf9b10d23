#include "apps/daemon/pty/pty.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "libs/base/text.h"

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

std::vector<pid_t> processes_on(int master) {
  std::vector<pid_t> found;
  unsigned number = 0;
  if (::ioctl(master, TIOCGPTN, &number) < 0) return found;
  std::string name = "/dev/pts/" + std::to_string(number);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  while (dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    auto pid = parse_int(entry->d_name);
    if (!pid) continue;
    for (const char* descriptor : {"0", "1", "2"}) {
      std::string link = "/proc/" + std::to_string(*pid) + "/fd/" + descriptor;
      char target[64];
      ssize_t size = ::readlink(link.c_str(), target, sizeof target);
      if (size < 0 || std::string_view(target, static_cast<size_t>(size)) != name) continue;
      found.push_back(static_cast<pid_t>(*pid));
      break;
    }
  }
  return found;
}

Status Pty::resize(WindowSize size) { return set_window_size(master_.get(), size); }

}  // namespace dt::daemon
