// The one way to write sandbox records: runs a transaction, then tells everybody who must know (runners,
// sockets, requests that wait, the clockwork of intervals, the cache of encoded sandboxes). Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apps/api/notifications/hub.h"
#include "apps/api/sandbox/lifecycle.h"
#include "libs/net/loop.h"

namespace dt::api {

class SandboxLedger final : public JobSink {
 public:
  SandboxLedger(store::Database& db, Clock& clock, Jobs& jobs, EventHub& hub, SandboxSettings settings)
      : db_(db),
        clock_(clock),
        jobs_(jobs),
        hub_(hub),
        settings_(std::move(settings)),
        started_(clock.wall()) {}

  const SandboxSettings& settings() const { return settings_; }
  store::Database& db() { return db_; }
  Clock& clock() { return clock_; }

  // Fn: Status(Txn&, const WriteContext&, SandboxRecord& out, Effects&), on the writer thread.
  template <class Fn>
  Task<Result<SandboxRecord>> write(Fn fn);
  // Loads the sandbox of the organization (404 `Sandbox with ID or name … not found`), lets fn change it.
  template <class Fn>
  Task<Result<SandboxRecord>> change(OrganizationId organization, std::string id_or_name, Fn fn);

  void publish(Effects effects);
  // On the writer thread, at the end of a transaction that will succeed unless the disk fails: the jobs leave
  // for their runners while the commit is on its way to the disk. Only for creates: a runner destroys what
  // the API does not know, so a create that never became durable leaves nothing behind. Returns what was
  // handed out.
  std::vector<JobRecord> hand_out_early(Effects& effects);
  // The commit failed after all: whatever the runner made of these creates must go.
  void take_back(const std::vector<JobRecord>& jobs);
  // The record when it has no pending change any more; nullopt at the deadline.
  Task<std::optional<SandboxRecord>> settled(SandboxId id, Mono deadline);
  // After a restart of the API. Blocks nothing.
  Task<Status> resume();

  // Encoded body of GET /sandbox/{id}; nullopt: no visible sandbox has this id.
  struct Encoded {
    OrganizationId organization;
    std::string json;
  };
  Result<std::shared_ptr<const Encoded>> encoded(const SandboxId& id);

  // Called for every change with the record's next due time.
  std::function<void(Wall due)> on_due;

  Result<AfterCommit> job_ended(store::Txn& txn, const JobRecord& job, Wall now, const Live& live) override;

 private:
  struct Waiter {
    Event event;
    std::optional<SandboxRecord> record;
  };
  WriteContext context() const { return {clock_.wall(), started_, jobs_.live(), &settings_}; }
  void announce(const SandboxChange& change);
  void wake(const SandboxRecord& record);

  store::Database& db_;
  Clock& clock_;
  Jobs& jobs_;
  EventHub& hub_;
  Loop* loop_ = nullptr;  // set by resume()
  const SandboxSettings settings_;
  const Wall started_;
  std::multimap<std::string, Waiter*> waiters_;
  std::unordered_map<std::string, std::shared_ptr<const Encoded>> cache_;
};

std::unexpected<Error> sandbox_not_found(std::string_view id_or_name);

template <class Fn>
Task<Result<SandboxRecord>> SandboxLedger::write(Fn fn) {
  struct Done {
    SandboxRecord record;
    Effects effects;
  };
  auto done =
      co_await db_.write([fn = std::move(fn), context = context()](store::Txn& txn) mutable -> Result<Done> {
        Done out;
        TRY_VOID(fn(txn, context, out.record, out.effects));
        return out;
      });
  if (!done) co_return std::unexpected(std::move(done).error());
  publish(std::move(done->effects));
  co_return std::move(done->record);
}

template <class Fn>
Task<Result<SandboxRecord>> SandboxLedger::change(OrganizationId organization, std::string id_or_name,
                                                  Fn fn) {
  auto body = [organization = std::move(organization), id_or_name = std::move(id_or_name),
               fn = std::move(fn)](store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                                   Effects& effects) mutable -> Status {
    TRY(auto found, find_sandbox(txn, organization, id_or_name));
    if (!found) return sandbox_not_found(id_or_name);
    record = std::move(*found);
    return fn(txn, context, record, effects);
  };
  return write(std::move(body));
}

}  // namespace dt::api
