#include "apps/daemon/interpreter/context.h"

namespace dt::daemon::interpreter {

namespace {

constexpr int kTimedOut = 4008;
constexpr const char* kShutdown = "context shutdown";

}  // namespace

Context::Context(ProcessContext& process, TaskScope& tasks, std::string id, std::string cwd)
    : process_(process), tasks_(tasks), id_(std::move(id)), cwd_(std::move(cwd)) {
  ::clock_gettime(CLOCK_REALTIME, &created_);
}

Status Context::start() {
  if (active()) return {};
  TRY(worker_, Worker::start(process_, tasks_, cwd_));
  return {};
}

Status Context::submit(std::shared_ptr<Run> run) {
  if (waiting_.size() >= kWaitingRuns)
    return fail(Code::too_many_requests, "too many runs wait for the context");
  waiting_.push_back(std::move(run));
  if (!working_) {
    working_ = true;
    tasks_.spawn(work(shared_from_this()));
  }
  return {};
}

Task<void> Context::work(std::shared_ptr<Context> self) {
  Context& c = *self;
  while (!c.waiting_.empty()) {
    c.current_ = std::move(c.waiting_.front());
    c.waiting_.pop_front();
    co_await c.execute(c.current_);
    c.current_ = nullptr;
  }
  c.working_ = false;
}

Task<void> Context::execute(std::shared_ptr<Run> run) {
  if (auto started = start(); !started) {
    run->end({1008, "context not found: " + id_});
    co_return;
  }
  std::shared_ptr<Worker> worker = worker_;
  Mono deadline = run->request.timeout.count() ? after(run->request.timeout) : kNever;
  auto outcome = co_await worker->execute(run, deadline);
  if (!outcome) {
    run->never_wait();
    co_await stop_late(*worker);
    run->end({kTimedOut, ""});
  } else if (*outcome == Worker::Outcome::completed) {
    run->end({1000, ""});
  } else if (*outcome == Worker::Outcome::interrupted) {
    run->end({kTimedOut, ""});
  } else {
    run->end({1001, ending_ ? kShutdown : "worker process ended"});
  }
}

// The code is asked to stop; code that does not react loses its process, with everything it started.
Task<void> Context::stop_late(Worker& worker) {
  worker.interrupt();
  auto outcome = co_await worker.outcome(after(kInterruptTime));
  if (outcome) co_return;
  worker.kill();
  outcome = co_await worker.outcome(after(kInterruptTime));
  if (!outcome) worker_ = nullptr;  // it hangs in the kernel; the next run gets another one
}

void Context::end_runs() {
  ending_ = true;
  for (auto& run : waiting_) run->end({1001, kShutdown});
  waiting_.clear();
  if (current_) current_->end({1001, kShutdown});
}

Task<void> Context::end() {
  end_runs();
  std::shared_ptr<Worker> worker = std::exchange(worker_, nullptr);
  if (worker) co_await worker->end(kEndTime);
}

}  // namespace dt::daemon::interpreter
