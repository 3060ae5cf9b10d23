#include "apps/daemon/process/shell.h"

#include <unistd.h>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view kPreferred[] = {"/usr/bin/zsh", "/bin/zsh", "/usr/bin/bash", "/bin/bash"};

bool executable(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

std::string find_program(std::string_view name, std::string_view path) {
  if (name.find('/') != std::string_view::npos) return executable(std::string(name)) ? std::string(name) : "";
  for (std::string_view dir : split(path, ':')) {
    std::string candidate = std::string(dir.empty() ? "." : dir) + "/" + std::string(name);
    if (executable(candidate)) return candidate;
  }
  return "";
}

ShellChooser::ShellChooser(const Environment& environment, std::string shells_file)
    : environment_(environment), shells_file_(std::move(shells_file)) {}

std::string ShellChooser::choose() const {
  auto text = read_file(shells_file_, 1 << 20);
  if (text) {
    std::string listed;
    for (std::string_view line : split(*text, '\n')) {
      line = trim(line);
      if (!line.empty() && line[0] != '#') listed += std::string(line) + "\n";
    }
    if (!listed.empty()) {
      // A shell that is listed but was removed is passed over.
      for (std::string_view shell : kPreferred)
        if (listed.find(shell) != std::string::npos && executable(std::string(shell)))
          return std::string(shell);
      std::string own(environment_.get("SHELL").value_or(""));
      if (!own.empty()) return find_program(own, environment_.get("PATH").value_or(kDefaultPath));
    }
  }
  return find_program("sh", environment_.get("PATH").value_or(kDefaultPath));
}

Result<std::string> ShellChooser::shell() {
  struct stat now{};
  if (::stat(shells_file_.c_str(), &now) != 0) now = {};
  if (!known_ || choice_.empty() || !same_file(now, seen_)) {
    choice_ = choose();
    seen_ = now;
    known_ = true;
  }
  if (choice_.empty()) return fail(Code::not_found, "exec: \"sh\": executable file not found in $PATH");
  return choice_;
}

}  // namespace dt::daemon
