// daytona-desktop x11|accessibility: a companion of the daemon for computer use. Descriptor 0 is the control
// socket over which the daemon hands connections over; the program ends when that ends.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "apps/daemon/desktop/program/accessibility/routes.h"
#include "apps/daemon/desktop/program/serving/server.h"
#include "apps/daemon/desktop/program/x11/routes.h"
#include "libs/base/log.h"

namespace dt::desktop {
namespace {

constexpr int kWrongUse = 2;

std::vector<Route> routes_of(std::string_view mode) {
  if (mode == "x11") return x11_routes();
  if (mode == "accessibility") return accessibility_routes();
  return {};
}

int run(std::string_view mode) {
  const char* level = ::getenv("LOG_LEVEL");
  log::configure("desktop", log::parse_level(level ? level : ""), false);
  ::mallopt(M_ARENA_MAX, 2);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGPIPE, SIG_IGN);
  // Descriptor 0 stays taken, so that nothing else gets its number.
  Fd control(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  Loop loop;
  loop.run_until(serve(std::move(control), routes_of(mode)));
  ::_exit(0);
}

}  // namespace
}  // namespace dt::desktop

int main(int argc, char** argv) {
  std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode != "x11" && mode != "accessibility") {
    std::fputs("usage: daytona-desktop x11|accessibility\n", stderr);
    return dt::desktop::kWrongUse;
  }
  return dt::desktop::run(mode);
}
