// One program on a terminal and the WebSockets that watch it. The reader moves output into an OutputLog; each
// client sends from there at its own pace. A client that lags a whole window stops the reader, and so the
// program. If others wait for it and it does not go on in time, it is closed with 1008; alone it may take as
// long as it wants. Without clients output is read and all but the last is forgotten. Loop thread only;
// shared, because clients may outlive the program and the program outlives clients.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"
#include "apps/daemon/pty/exit_report.h"
#include "apps/daemon/pty/output_log.h"
#include "apps/daemon/pty/pty.h"
#include "libs/net/websocket.h"

namespace dt::daemon {

// How a terminal is spoken on a WebSocket; one per connection.
class PtyProtocol {
 public:
  virtual ~PtyProtocol() = default;
  virtual Task<Status> greet(WebSocket& socket) = 0;
  virtual Task<Status> output(WebSocket& socket, std::string_view bytes) = 0;
  virtual Task<Status> farewell(WebSocket& socket, const PtyExit& exit) = 0;
  // The wanted size when the message is no input but asks for one.
  virtual std::optional<WindowSize> size_request(const WebSocket::Message& message) { return std::nullopt; }
};

struct PtyOptions {
  std::vector<std::string> arguments;  // of the shell
  std::string cwd;                     // empty: the work dir
  std::map<std::string, std::string> envs;
  WindowSize size;
};

class PtySession {
 public:
  PtySession(ProcessContext& context, PtyOptions options);

  // Starts the shell. `on_end` runs once, when the shell has ended, before clients are told.
  static Status start(const std::shared_ptr<PtySession>& session, std::function<void()> on_end = nullptr);
  // Serves one client, which starts with the recent output, until it leaves or the program ended and
  // everything was sent. Started sessions only.
  static Task<void> serve(std::shared_ptr<PtySession> session, WebSocket& socket, PtyProtocol& protocol);

  Status resize(WindowSize size);
  // Ends the shell and all its descendants; clients see exit code 137. Comes back when they are gone.
  static Task<void> kill(std::shared_ptr<PtySession> session);
  // SIGHUP, and the terminal goes away. What ignores both lives on without it.
  void hang_up();

  const PtyOptions& options() const { return options_; }
  bool started() const { return child_.has_value(); }
  bool active() const { return child_ && !child_->exited(); }

 private:
  struct Client;
  static Task<void> run(std::shared_ptr<PtySession> session);
  static Task<void> receive_input(std::shared_ptr<PtySession> session, std::shared_ptr<Client> client);
  static Task<void> cut_off(std::shared_ptr<Client> client, Millis grace);
  Status spawn_shell();
  Task<void> read_output(int fd, Watch& watch);
  Task<void> drain_output();
  Task<void> descendants_gone();
  Task<void> close_terminal();
  void report_end();
  Task<bool> wait_for_room();
  bool has_room() const;
  uint64_t slowest() const;
  void drop_slow_clients();
  Task<void> send_output(Client& client);
  Task<void> flush_clients();
  Task<Status> write_input(std::string_view bytes);
  void join(std::shared_ptr<Client> client);
  void leave(const Client& client);

  ProcessContext& context_;
  PtyOptions options_;
  std::function<void()> on_end_;

  std::optional<Pty> pty_;
  std::optional<Watch> watch_;
  std::optional<Child> child_;
  Mark mark_;  // of everything that was started on the terminal
  bool killed_ = false;
  bool hung_up_ = false;
  std::optional<PtyExit> exit_;  // set when the log is complete
  Mono drain_end_ = kNever;      // set when the shell has ended

  OutputLog log_;
  Event output_;  // the log grew, or is complete
  Event room_;    // a client went on, came or left
  Mono blocked_since_{};
  std::vector<std::shared_ptr<Client>> clients_;

  bool writing_ = false;
  Event input_free_;
};

}  // namespace dt::daemon
