// A "session" channel: collects what the client asks for (variables, a terminal, agent forwarding), starts
// the shell, command or subsystem and reports how it ended. When the client goes away the program's process
// group is hung up.
#pragma once
#include <functional>
#include <map>
#include <optional>

#include "apps/daemon/process/environment.h"
#include "apps/daemon/process/shell.h"
#include "apps/daemon/process/spawn.h"
#include "apps/daemon/pty/pty.h"
#include "apps/daemon/ssh/server/relay.h"

namespace dt::ssh {

// What starting programs needs; one per connection.
struct CommandContext {
  explicit CommandContext(const char* const* environ_block)
      : environment(environ_block), shells(environment) {}
  daemon::Environment environment;
  daemon::ShellChooser shells;
  daemon::Spawner spawner;
  std::function<std::string()> agent_socket;  // made when first needed; "" when that fails
};

class CommandChannel : public Relay {
 public:
  CommandChannel(ssh_session session, ssh_channel channel, CommandContext& context);
  ~CommandChannel() override;
  bool child_ended(pid_t pid, int status) override;

 protected:
  void progress() override;

 private:
  using Words = std::vector<std::string>;
  static CommandChannel& self(void* userdata) { return *static_cast<CommandChannel*>(userdata); }
  int start(Words words);
  Status launch(Words& words);
  Status launch_on_terminal(daemon::SpawnRequest request);
  Status launch_on_pipes(daemon::SpawnRequest request);
  std::map<std::string, std::string> variables(const std::string& shell) const;
  int resize(int columns, int rows);
  void signal(std::string_view name);
  void report_end();

  CommandContext& context_;
  std::map<std::string, std::string> asked_;  // by the client
  std::string agent_socket_;
  std::optional<std::string> terminal_type_;  // set: a terminal was asked for
  daemon::Pty pty_;
  daemon::WindowSize size_;
  int master_ = -1;  // borrowed from the relay, for its size
  std::string tty_name_;
  bool started_ = false;
  pid_t pid_ = 0;              // running
  std::optional<int> status_;  // as waitpid() gives it
};

}  // namespace dt::ssh
