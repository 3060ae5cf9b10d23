// One Python process of a context and its channel: runs requests one after the other, gives what they write
// to the Run of the moment. Descriptors 1 and 2 of the process are pipes of ours too, so that what programs
// and C libraries write is output of the run that is on. Loop thread only; used through shared_ptr, because
// its reader goes on until the process is gone.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "apps/daemon/interpreter/packet.h"
#include "apps/daemon/interpreter/run.h"
#include "apps/daemon/process/command.h"
#include "apps/daemon/process/mark.h"
#include "apps/daemon/process/utf8_joiner.h"

namespace dt::daemon::interpreter {

class Worker {
 public:
  enum class Outcome { completed, interrupted, died };

  // Fails when there is no Python or no such directory. `tasks` owns the reader.
  static Result<std::shared_ptr<Worker>> start(ProcessContext& process, TaskScope& tasks,
                                               const std::string& cwd);
  Worker(const Worker&) = delete;

  // The process lives and can be spoken to.
  bool usable() const { return !lost_; }
  // nullopt: the deadline passed; interrupt() or kill(), then wait with outcome().
  Task<std::optional<Outcome>> execute(std::shared_ptr<Run> run, Mono deadline);
  Task<std::optional<Outcome>> outcome(Mono deadline);
  void interrupt();  // KeyboardInterrupt in the running code
  void kill();       // the process and everything it started, wherever that is
  // Asks it to end, takes what remains by force after `patience`.
  Task<void> end(Millis patience);

 private:
  struct RawPipe {
    Fd fd;
    std::string_view type;
    Utf8Joiner joiner;
    std::optional<Watch> watch;
    bool ended = false;
    size_t waiting();  // bytes that can be read; notices the end
  };
  Worker(ProcessContext& process, pid_t pid, Mark mark, Fd channel, Fd out, Fd err);
  static Task<void> read(std::shared_ptr<Worker> self);
  Task<void> read_packets();
  Task<void> handle(Packet packet);
  Task<void> take_text(std::string_view type, std::string_view text);
  Task<bool> read_round();  // false: everything was read
  Task<void> take_raw(RawPipe& raw, size_t size);
  Task<bool> send(const std::string& request, Mono deadline);
  Task<void> finish_run(Outcome outcome);
  void release();

  ProcessContext& process_;
  Child child_;
  Mark mark_;
  Fd channel_;
  std::optional<Watch> channel_watch_;
  RawPipe raw_[2];
  Event activity_;  // something can be read, or the process ended
  bool channel_ended_ = false;
  bool lost_ = false;

  std::shared_ptr<Run> run_;  // the one that is on; null: output is dropped
  uint64_t run_number_ = 0;
  Frame error_;  // being received
  std::optional<Outcome> outcome_;
  Event done_;
};

}  // namespace dt::daemon::interpreter
