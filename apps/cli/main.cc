// daytona: the command line. Everything is in the library; here are only the process's own things.
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "apps/cli/commands.h"
#include "libs/base/log.h"

extern char** environ;

namespace {

size_t terminal_width() {
  winsize size{};
  return ::isatty(STDOUT_FILENO) && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

dt::cli::Environment environment() {
  dt::cli::Environment out;
  for (char** entry = environ; *entry; ++entry) {
    std::string_view pair = *entry;
    if (size_t equals = pair.find('='); equals != std::string_view::npos)
      out.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  dt::log::configure("cli", dt::log::Level::error, false);
  dt::Loop loop;
  dt::cli::Context context{.out = std::cout,
                           .clock = dt::system_clock(),
                           .width = terminal_width(),
                           .settings = [] { return dt::cli::load_settings(environment()); },
                           .loop = loop};
  int code = dt::cli::run(context, {argv + 1, argv + argc}, std::cerr);
  std::cout.flush();
  return std::cout ? code : 1;
}
