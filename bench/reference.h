// What ours is measured beside: programs and kernel calls that nobody here wrote. All calls block.
#pragma once
#include <cstddef>
#include <string>

namespace dt::bench {

// Runs `sh -c "exec COMMAND"` with no input and no output and waits; the reference engines are programs.
bool run_command(const std::string& command);

// vfork, exec and wait of a shell that gets `script` through a pipe and whose output is read from another:
// the process that an exec in a sandbox starts, without the sandbox and the way to it.
bool run_shell(const std::string& shell, const std::string& script, const std::string& expected);

// MB/s of one TCP connection over loopback, a thread on either side.
double loopback_rate(size_t bytes);

}  // namespace dt::bench
