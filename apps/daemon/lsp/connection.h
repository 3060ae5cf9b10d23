// One process of a language server and the JSON-RPC that is spoken with it over its stdin and stdout: any
// number of calls at once, found again by their ids. What the server asks is answered with null, what it
// announces is dropped. It runs under a Mark, so that its end leaves none of its children. Loop thread only;
// used through shared_ptr, because its reader and writer go on until the process is gone.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/daemon/lsp/framing.h"
#include "apps/daemon/lsp/message.h"
#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"
#include "libs/net/stream.h"

namespace dt::daemon::lsp {

class Connection {
 public:
  static constexpr size_t kMostCalls = 256;         // that wait for an answer; too_many_requests beyond
  static constexpr size_t kMostUnsent = 64u << 20;  // bytes that the server does not read
  static constexpr Millis kShutdownTime{2000};      // for its answer to `shutdown`
  static constexpr Millis kExitTime{2000};          // from `exit` to SIGKILL

  struct Program {
    std::string name;  // in errors
    std::string path;
    std::vector<std::string> arguments;
  };
  // `tasks` owns what reads and writes; `pool` takes large messages apart. All must outlive it.
  static Result<std::shared_ptr<Connection>> start(ProcessContext& process, WorkerPool& pool,
                                                   TaskScope& tasks, const Program& program);
  Connection(const Connection&) = delete;

  bool usable() const { return fate_.empty(); }
  // The server's result. Fails with its refusal (bad_request), when the server ends or ended (closed, with
  // the reason), at the deadline (timeout) and when `cancel` is (cancelled); then the server is told so.
  Task<Result<Json>> call(std::string method, std::string params, CancelSource cancel,
                          Mono deadline = kNever);
  void notify(std::string_view method, std::string_view params);
  // Asks it to shut down and to exit; kills what is left of it and of what it started.
  Task<void> end();
  // Kills all of it at once; pending calls fail with `why`.
  void kill(std::string why);

 private:
  struct Call {
    Event done;
    std::optional<Result<Json>> answer;
  };
  struct Pipes {
    Fd input, output, errors;  // our ends
  };
  Connection(Reaper& reaper, WorkerPool& pool, std::string name, pid_t pid, Mark mark, Pipes pipes);
  static Task<void> read(std::shared_ptr<Connection> self);
  static Task<void> write(std::shared_ptr<Connection> self);
  static Task<void> read_errors(std::shared_ptr<Connection> self);
  Task<Status> read_messages();
  Task<Status> take(std::string body);
  void send(std::string_view body);
  void lose(std::string why);
  std::string ended_text();
  bool take_errors();  // false: they ended

  WorkerPool& pool_;
  std::string name_;
  Child child_;
  Mark mark_;
  Stream input_;
  Fd output_, errors_;
  Watch output_watch_, errors_watch_;
  std::string last_errors_;  // the end of what it wrote to stderr
  FrameReader frames_;
  std::deque<std::string> unsent_;
  size_t unsent_bytes_ = 0;
  Event work_;  // something is unsent, or the connection is lost
  int64_t last_id_ = 0;
  std::map<int64_t, std::shared_ptr<Call>> calls_;
  bool stopping_ = false;
  std::string fate_;  // why it is not usable; empty while it is
};

}  // namespace dt::daemon::lsp
