// What ours is measured beside: programs and kernel calls that nobody here wrote. All calls block.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>

#include "libs/base/fd.h"

namespace dt::bench {

// Runs `sh -c "exec COMMAND"` with no input and no output and waits; the reference engines are programs.
bool run_command(const std::string& command);

// vfork, exec and wait of a shell that gets `script` through a pipe and whose output is read from another:
// the process that an exec in a sandbox starts, without the sandbox and the way to it.
bool run_shell(const std::string& shell, const std::string& script, const std::string& expected);

// A shell that lives on, as in a session: commands go in and their output comes out through pipes.
class LivingShell {
 public:
  explicit LivingShell(const std::string& shell);
  ~LivingShell();
  LivingShell(const LivingShell&) = delete;
  // One command whose output is the line `expected`.
  bool run(const std::string& command, const std::string& expected);

 private:
  Pipe input_, output_;
  pid_t pid_ = -1;
};

// MB/s of what `shell -c command` writes into a Unix socket that this program reads.
double socket_rate(const std::string& shell, const std::string& command);

// MB/s of one TCP connection over loopback, a thread on either side.
double loopback_rate(size_t bytes);

}  // namespace dt::bench
