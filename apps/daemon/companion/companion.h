// Starts a companion: a static program of its own that the daemon carries (section.h), for work whose
// libraries must not cost every sandbox memory and start time. It runs from memory, with the sandbox's
// environment. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"

namespace dt::daemon {

class Companion {
 public:
  // `name` is its argv[0], `section` where it lies (`dt_<x>_section`, made by dt_companion in CMake). All
  // must outlive it.
  Companion(ProcessContext& process, WorkerPool& pool, const char* name, const char* section)
      : process_(process), pool_(pool), name_(name), section_(section) {}
  Companion(const Companion&) = delete;

  using Program = std::shared_ptr<Fd>;
  // The program in memory; it stays there as long as somebody holds it.
  Task<Result<Program>> program();

  struct Start {
    std::vector<std::string> arguments;       // without argv[0]
    std::map<std::string, std::string> envs;  // beside the sandbox's own
    int stdin_fd = -1, stdout_fd = -1;        // borrowed; must be 3 or more
    const char* cwd = nullptr;                // null: the daemon's
  };
  // Its pid; make it a Child before the loop runs again. Standard error is the daemon's.
  Result<pid_t> start(const Program& program, const Start& how);

  struct Answer {
    std::string output;
    int exit_code = -1;  // -1: ended by a signal
  };
  // Runs it to its end: `input` on its standard input, what it writes as the answer (descriptors of `how` are
  // not used). Writing more than `limit` bytes is an error and ends it.
  Task<Result<Answer>> run(Start how, std::string input, size_t limit = 64u << 20);

 private:
  ProcessContext& process_;
  WorkerPool& pool_;
  const char* name_;
  const char* section_;
  std::weak_ptr<Fd> program_;
};

}  // namespace dt::daemon
