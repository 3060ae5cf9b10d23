#include "apps/daemon/process/entrypoint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

Result<Fd> open_log(const std::string& home) {
  std::string dir = home;
  for (const char* part : {".daytona", "sessions", "entrypoint", "entrypoint_command"}) {
    dir += "/" + std::string(part);
    if (::mkdir(dir.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno("create " + dir);
  }
  return open_file((dir + "/output.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
}

}  // namespace

std::string entrypoint_script(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back("'" + replace_all(word, "'", "'\\''") + "'");
  return join(quoted, " ");
}

Result<std::unique_ptr<Entrypoint>> Entrypoint::start(ProcessContext& context,
                                                      const std::vector<std::string>& words,
                                                      const std::string& home) {
  TRY(std::string shell, context.shells.shell());
  TRY(Fd log, open_log(home));
  TRY(Fd nothing, open_file("/dev/null", O_RDONLY));
  // The shell replaces itself, so that signals reach the command and its end is seen as its own.
  std::string script = "exec " + entrypoint_script(words);
  std::string flag = "-c";
  char* argv[] = {shell.data(), flag.data(), script.data(), nullptr};
  Environment::Merged merged;
  SpawnRequest request{.program = shell.c_str(),
                       .argv = argv,
                       .envp = context.environment.block({}, merged),
                       .stdin_fd = nothing.get(),
                       .stdout_fd = log.get(),
                       .stderr_fd = log.get()};
  TRY(pid_t pid, context.spawner.spawn(request));
  return std::unique_ptr<Entrypoint>(new Entrypoint(context.reaper, pid));
}

}  // namespace dt::daemon
