// How the daemon and a session's shell speak: the shell reads lines from its stdin and answers on its stdout.
// A line sources the command's file in the shell itself, with the three streams redirected, and then calls a
// function that prints "<token> <exit code>". While the command runs, the shell keeps its stdout aside,
// close-on-exec, so the command's output is somewhere else; the token is random and new for each command.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace dt::daemon {

// Shells differ in how a builtin is called that the user may have hidden behind a function or an alias.
enum class ShellFamily { posix, bash, zsh };
ShellFamily shell_family(std::string_view path);
// Shells that cannot run POSIX lines (fish, csh …) cannot hold a session.
bool speaks_posix(std::string_view path);

std::string shell_prologue(ShellFamily family);

struct ShellCommand {
  std::string_view script;  // paths
  std::string_view input;   // "" for /dev/null
  std::string_view output;
  std::string_view errors;
  std::string_view token;
};
std::string shell_line(ShellFamily family, const ShellCommand& command);

// Takes reports out of what the shell prints; everything else is ignored.
class ReportReader {
 public:
  // The exit code that `bytes` report for `token`, if they do.
  std::optional<int> feed(std::string_view bytes, std::string_view token);

 private:
  std::string line_;
};

}  // namespace dt::daemon
