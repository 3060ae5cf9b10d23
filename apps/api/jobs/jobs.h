// The outbox service: hands jobs to the runners that dialled in and takes their results. Loop thread only.
//
// A job that is written for a runner with a live connection is already IN_PROGRESS and goes from memory into
// its open poll: no second commit before the runner has it. For a runner that is away it is PENDING and
// claimed by the next poll. After a restart of the API every unfinished job is handed out again: runners must
// be able to take the same job twice.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apps/api/jobs/store.h"
#include "libs/net/loop.h"

namespace dt::api {

// The feature that owns the resources of jobs.
class JobSink {
 public:
  // Ids of runners that poll; a snapshot that transactions may read.
  using Live = std::shared_ptr<const std::set<std::string>>;
  using AfterCommit = std::move_only_function<void()>;
  virtual ~JobSink() = default;
  // On the writer thread, inside the transaction that ends `job`: applies the result to the resource. What it
  // returns runs on the loop after the commit.
  virtual Result<AfterCommit> job_ended(store::Txn& txn, const JobRecord& job, Wall now,
                                        const Live& live) = 0;
};

class Jobs {
 public:
  Jobs(store::Database& db, Clock& clock) : db_(db), clock_(clock) {}
  void set_sink(JobSink* sink) { sink_ = sink; }
  // Queues what earlier runs left unfinished. Blocks; call it before serving.
  Status load();

  using Live = JobSink::Live;
  Live live() const { return live_; }
  // For a runner in `live` the job is claimed on its behalf.
  static JobRecord make(const Live& live, const RunnerId& runner, std::string_view type,
                        std::string resource_id, std::optional<std::string> payload, Wall now);
  // After the commit of a job made by make(): to the runner.
  void deliver(JobRecord job);

  Task<Result<std::vector<JobRecord>>> poll(const CallContext& ctx, RunnerId runner, Millis timeout,
                                            int64_t limit);
  Task<Result<JobRecord>> update(RunnerId runner, JobId id, contract::UpdateJobStatus body);
  // Ends jobs whose runner went silent and forgets old ones. Called about once a minute.
  Task<Status> tick();
  // The runner has seen these (it listed them): no need to hand them out again.
  void seen(const RunnerId& runner, const std::vector<JobRecord>& jobs);
  // Sets free the polls that wait (drain).
  void close();

 private:
  struct Line {
    std::deque<JobRecord> ready;  // IN_PROGRESS, not handed out by this process yet
    bool look_in_store = true;    // there may be PENDING ones
    Wall last_poll{};
    int waiting = 0;
    Event changed;
  };
  Line& line(const RunnerId& runner) { return lines_[runner.str()]; }
  Result<std::vector<JobRecord>> take(Line& line, int64_t limit);
  void refresh_live();
  Task<Result<JobRecord>> end_job(JobId id, std::function<Result<bool>(JobRecord&)> change);

  store::Database& db_;
  Clock& clock_;
  JobSink* sink_ = nullptr;
  std::map<std::string, Line> lines_;
  Live live_ = std::make_shared<std::set<std::string>>();
  bool closed_ = false;
};

}  // namespace dt::api
