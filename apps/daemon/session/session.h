// A session: one long-lived shell that runs commands one after another and keeps their state. Or the
// sandbox's own command, which is a session with one command and no shell that waits. Owned by Sessions;
// requests and followers hold commands, not sessions. Loop thread only.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"
#include "apps/daemon/session/command.h"
#include "apps/daemon/session/shell_protocol.h"
#include "libs/net/stream.h"

namespace dt::daemon {

inline constexpr std::string_view kEntrypointSession = "entrypoint";
inline constexpr std::string_view kEntrypointCommand = "entrypoint_command";
// Older ended commands are forgotten, with their files.
inline constexpr size_t kCommandsKept = 2000;

class Session : public std::enable_shared_from_this<Session> {
 public:
  using CommandPtr = std::shared_ptr<SessionCommand>;
  struct Context {
    ProcessContext& process;
    TaskScope& scope;          // runs what reads from the shell and its commands
    const std::string& shell;  // empty: what ShellChooser finds
  };
  // `dir` is made and belongs to the session.
  Session(Context context, std::string id, std::string dir);
  ~Session();

  // Starts the shell in `cwd`.
  Status start(const std::string& cwd);
  // Instead: `script` with -c in the shell, as the session's only command.
  Status start_entrypoint(const std::string& script);
  // Instead: the same session for a command that only waits and needs no process.
  Status pretend_entrypoint(const std::string& script);
  // Queues a command. Fails with gone when the shell has ended.
  Result<CommandPtr> submit(SessionCommand::Spec spec);

  const std::string& id() const { return id_; }
  const std::string& dir() const { return dir_; }
  const std::string& spare_dir() const { return spare_dir_; }
  const std::deque<CommandPtr>& commands() const { return commands_; }
  CommandPtr find(std::string_view command) const;
  Child* child() { return child_ ? &*child_ : nullptr; }
  Mark mark() const { return mark_; }
  // The session is being deleted: no more commands; those that there are were cancelled.
  void cancel();
  bool cancelled() const { return cancelled_; }
  Event removed;

 private:
  struct Started {
    Fd input;
    Fd output;
  };
  Result<std::string> choose_shell();
  Result<Started> spawn_shell(const std::string& shell, const std::string& cwd);
  Result<CommandPtr> prepare(const std::string& command, SessionCommand::Spec spec);
  Status make_spare_dir();
  void start_next();
  void shell_ended();
  void forget_old();
  Error gone() const;

  using Self = std::shared_ptr<Session>;
  static Task<void> say(Self self, std::string line);
  static Task<void> listen(Self self);
  static Task<void> watch_child(Self self);
  static Task<void> suspect(Self self, CommandPtr command);
  bool take_reports();
  bool waits_for_line() const;

  Context context_;
  std::string id_;
  std::string dir_;
  std::string spare_dir_;  // when the disk takes no more files; "" until then
  ShellFamily family_ = ShellFamily::posix;
  Mark mark_;
  std::optional<Child> child_;
  std::optional<Stream> shell_in_;
  Fd shell_out_;
  std::optional<Watch> shell_out_watch_;
  ReportReader reports_;
  std::deque<CommandPtr> commands_;  // oldest first
  std::deque<CommandPtr> queue_;
  CommandPtr running_;
  std::string token_;  // of the running command
  bool cancelled_ = false;
};

}  // namespace dt::daemon
