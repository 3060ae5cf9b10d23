// Runs one program to its end: input on its stdin, stdout and stderr together through one pipe, with an
// optional time limit. What execute and code-run share. Loop thread only.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/process/environment.h"
#include "apps/daemon/process/reaper.h"
#include "apps/daemon/process/shell.h"
#include "apps/daemon/process/spawn.h"
#include "libs/net/loop.h"

namespace dt::daemon {

// What starting commands needs; one per daemon.
struct ProcessContext {
  explicit ProcessContext(const char* const* environ_block)
      : environment(environ_block), shells(environment), background("commands") {}
  Environment environment;
  ShellChooser shells;
  Spawner spawner;
  Reaper reaper;
  TaskScope background;  // feeds inputs and empties pipes that outlive their command
  std::string work_dir;
};

struct CommandLimits {
  // Beyond this the output is cut and kCutMark put at its end; the command goes on.
  size_t output_bytes = 64u << 20;
  // After the program's end, background children may hold the pipe: so long nothing may come, and so long in
  // all.
  Millis drain_idle{200};
  Millis drain_total{1000};
};
inline constexpr std::string_view kCutMark = "\n[output cut here: it is larger than the limit of 64 MiB]\n";

struct CommandSpec {
  std::string program;            // path
  std::vector<std::string> argv;  // with argv[0]
  std::map<std::string, std::string> envs;
  std::string cwd;  // empty: the work dir; relative: below it
  std::string input;
  uint32_t timeout_seconds = 0;  // 0: none
};

struct CommandResult {
  enum class End { exited, timed_out, not_started } end = End::exited;
  int exit_code = -1;  // -1: ended by a signal, or not started
  int term_signal = 0;
  std::string output;  // not_started: why
};

// Goes on to its end whatever happens to the caller's connection. After a time-out the process group, and
// what can still be found of its descendants, was killed.
Task<CommandResult> run_command(ProcessContext& context, CommandSpec spec, CommandLimits limits = {});

}  // namespace dt::daemon
