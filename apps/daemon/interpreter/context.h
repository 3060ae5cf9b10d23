// One context: a namespace of Python values that lives between runs, and the queue of runs that wait for it.
// A process that died is replaced with the next run. Loop thread only; used through shared_ptr.
#pragma once
#include <ctime>
#include <deque>
#include <memory>
#include <string>

#include "apps/daemon/interpreter/worker.h"

namespace dt::daemon::interpreter {

class Context : public std::enable_shared_from_this<Context> {
 public:
  static constexpr size_t kWaitingRuns = 128;    // beside the one that is on
  static constexpr Millis kInterruptTime{2000};  // for the code to react to a KeyboardInterrupt
  static constexpr Millis kEndTime{2000};        // for the process to react to SIGTERM

  // `tasks` must outlive it.
  Context(ProcessContext& process, TaskScope& tasks, std::string id, std::string cwd);

  const std::string& id() const { return id_; }
  const std::string& cwd() const { return cwd_; }
  const timespec& created() const { return created_; }
  bool active() const { return worker_ && worker_->usable(); }

  // A process, when there is none. Fails without Python and without the directory.
  Status start();
  // Fails (too_many_requests) when too many wait.
  Status submit(std::shared_ptr<Run> run);
  void end_runs();  // with 1001 "context shutdown"
  // The runs, then the process and what it started.
  Task<void> end();

 private:
  static Task<void> work(std::shared_ptr<Context> self);
  Task<void> execute(std::shared_ptr<Run> run);
  Task<void> stop_late(Worker& worker);

  ProcessContext& process_;
  TaskScope& tasks_;
  std::string id_;
  std::string cwd_;
  timespec created_{};
  std::shared_ptr<Worker> worker_;
  std::deque<std::shared_ptr<Run>> waiting_;
  std::shared_ptr<Run> current_;
  bool working_ = false;
  bool ending_ = false;
};

}  // namespace dt::daemon::interpreter
