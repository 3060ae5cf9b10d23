// Runs one program to its end: input on its stdin, stdout and stderr together through one pipe, with an
// optional time limit. What execute and code-run share. Loop thread only.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/process/captured_output.h"
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
  WorkerPool files{2, "output"};
  std::string work_dir;
};

struct CommandLimits {
  // Beyond this the output is cut, which is said at its end; the command goes on.
  size_t output_bytes = 64u << 20;
  // After the program's end, background children may hold the pipe: so long nothing may come, and so long in
  // all.
  Millis drain_idle{200};
  Millis drain_total{1000};
};
// Sees the output as it comes and decides what of it is kept.
class OutputFilter {
 public:
  virtual ~OutputFilter() = default;
  virtual void feed(std::string_view bytes, std::string& keep) = 0;
  virtual void finish(std::string& keep) = 0;
};

struct CommandSpec {
  std::string program;            // path
  std::vector<std::string> argv;  // with argv[0]
  std::map<std::string, std::string> envs;
  std::string cwd;  // empty: the work dir; relative: below it
  std::string input;
  uint32_t timeout_seconds = 0;    // 0: none
  OutputFilter* filter = nullptr;  // borrowed
};

struct CommandResult {
  enum class End { exited, timed_out, not_started } end = End::exited;
  int exit_code = -1;  // -1: ended by a signal, or not started
  int term_signal = 0;
  CapturedOutput output;  // also what came before a time-out; not_started: why
};
// A run that did not take place.
CommandResult not_run(ProcessContext& context, int exit_code, std::string_view why);

// Goes on to its end whatever happens to the caller's connection. After a time-out everything that the
// command started was killed, also what left its group, session and parents.
Task<CommandResult> run_command(ProcessContext& context, CommandSpec spec, CommandLimits limits = {});

}  // namespace dt::daemon
