// Which shell runs commands (zsh, else bash, of /etc/shells; else $SHELL; else sh of PATH), and look-up in
// PATH. The answer is kept as long as /etc/shells stays the same file with the same time. Loop thread only.
#pragma once
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "apps/daemon/process/environment.h"
#include "libs/base/error.h"

namespace dt::daemon {

class ShellChooser {
 public:
  explicit ShellChooser(const Environment& environment, std::string shells_file = "/etc/shells");
  // Absolute path, or the text for the user when there is no shell at all.
  Result<std::string> shell();

 private:
  std::string choose() const;
  const Environment& environment_;
  std::string shells_file_;
  struct stat seen_{};
  bool known_ = false;
  std::string choice_;
};

// Absolute path of an executable file of that name, "" if there is none. `path` is a PATH value.
std::string find_program(std::string_view name, std::string_view path);

}  // namespace dt::daemon
