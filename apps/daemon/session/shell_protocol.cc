#include "apps/daemon/session/shell_protocol.h"

#include <algorithm>
#include <array>

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr std::string_view kReport = "__daytona_report";
constexpr size_t kReportLength = 128;  // longer lines are nothing of ours

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// In zsh `command` means an external program; in dash there is no `builtin`.
std::string_view prefix(ShellFamily family) { return family == ShellFamily::posix ? "command" : "builtin"; }

}  // namespace

ShellFamily shell_family(std::string_view path) {
  std::string_view name = base_name(path);
  if (name == "bash") return ShellFamily::bash;
  return name == "zsh" ? ShellFamily::zsh : ShellFamily::posix;
}

bool speaks_posix(std::string_view path) {
  constexpr std::array<std::string_view, 9> kKnown = {"sh",  "dash", "bash", "zsh",    "ash",
                                                      "ksh", "mksh", "yash", "busybox"};
  return std::ranges::find(kKnown, base_name(path)) != kKnown.end();
}

// A function of the user's called like the prefix is removed: nothing would be reported any more. The
// backslash keeps aliases away.
std::string shell_prologue(ShellFamily family) {
  std::string word(prefix(family));
  return std::string(kReport) + "() { \\unset -f " + word + " 2>/dev/null || \\: ; \\" + word +
         " echo '\n'\"$1 $2\"; }\n";
}

// With `command` or `builtin`, a syntax error in the file does not end the shell. ">|" is a plain ">" under
// `set -C`.
std::string shell_line(ShellFamily family, const ShellCommand& c) {
  return "{ \\" + std::string(prefix(family)) + " . " + shell_quote(c.script) + "; } <" +
         shell_quote(c.input.empty() ? "/dev/null" : c.input) + " >|" + shell_quote(c.output) + " 2>|" +
         shell_quote(c.errors) + "; " + std::string(kReport) + " " + std::string(c.token) + " \"$?\"\n";
}

std::optional<int> ReportReader::feed(std::string_view bytes, std::string_view token) {
  std::optional<int> found;
  for (char c : bytes) {
    if (c != '\n') {
      if (line_.size() < kReportLength) line_ += c;
      continue;
    }
    std::string_view line = line_;
    if (!token.empty() && line.size() > token.size() && line.starts_with(token) &&
        line[token.size()] == ' ') {
      auto code = parse_int(line.substr(token.size() + 1));
      if (code) found = static_cast<int>(*code);
    }
    line_.clear();
  }
  return found;
}

}  // namespace dt::daemon
