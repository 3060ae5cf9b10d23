#include "apps/api/sandbox/ledger.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "apps/api/sandbox/dto.h"
#include "libs/base/log.h"

namespace dt::api {
namespace {

constexpr size_t kCached = 16'384;  // encoded sandboxes, about 1.2 KiB each

}  // namespace

std::unexpected<Error> sandbox_not_found(std::string_view id_or_name) {
  return fail(Code::not_found, fmt::format("Sandbox with ID or name {} not found", id_or_name));
}

void SandboxLedger::publish(Effects effects) {
  for (const SandboxChange& change : effects.changes) cache_.erase(change.after.id.str());
  for (const SandboxId& id : effects.touched) cache_.erase(id.str());
  for (const SandboxId& id : effects.removed) cache_.erase(id.str());
  for (JobRecord& job : effects.jobs) jobs_.deliver(std::move(job));
  for (const SandboxChange& change : effects.changes) {
    announce(change);
    wake(change.after);
    if (!on_due) continue;
    if (auto due = next_due(change.after)) on_due(*due);
  }
}

std::vector<JobRecord> SandboxLedger::hand_out_early(Effects& effects) {
  std::vector<JobRecord> out;
  if (!loop_) return out;
  // A job for a runner that is away stays for its next poll.
  auto claimed = [](const JobRecord& job) { return job.status == contract::job_status::kInProgress; };
  std::ranges::copy_if(effects.jobs, std::back_inserter(out), claimed);
  std::erase_if(effects.jobs, claimed);
  for (const JobRecord& job : out) loop_->post([this, job] { jobs_.deliver(job); });
  return out;
}

void SandboxLedger::take_back(const std::vector<JobRecord>& jobs) {
  for (const JobRecord& job : jobs) {
    // Known to nobody but the runner: its result will be answered with 404, which is fine.
    log::warn("a create was not stored, the runner is told to undo it", {{"sandbox", job.resource_id}});
    auto undo = Jobs::make(nullptr, job.runner, contract::job_type::kDestroySandbox, job.resource_id,
                           std::nullopt, clock_.wall());
    undo.status = contract::job_status::kInProgress;
    jobs_.deliver(std::move(undo));
  }
}

void SandboxLedger::announce(const SandboxChange& change) {
  const SandboxRecord& now = change.after;
  if (change.before && change.before->state != now.state)
    log::info("sandbox state", {{"sandbox", now.id.str()},
                                {"from", to_string(change.before->state)},
                                {"to", to_string(now.state)},
                                {"reason", now.error_reason.value_or("")}});
  if (!hub_.has_listeners(now.organization)) return;
  contract::Sandbox dto = to_dto(now, settings_);
  if (!change.before) {
    hub_.publish(now.organization, "sandbox.created", encode(dto));
    return;
  }
  const SandboxRecord& old = *change.before;
  if (old.state != now.state) {
    contract::SandboxStateUpdated event{dto, std::string(to_string(old.state)),
                                        std::string(to_string(now.state))};
    hub_.publish(now.organization, "sandbox.state.updated", encode(event));
  }
  if (old.desired != now.desired) {
    contract::SandboxDesiredStateUpdated event{dto, std::string(to_string(old.desired)),
                                               std::string(to_string(now.desired))};
    hub_.publish(now.organization, "sandbox.desired-state.updated", encode(event));
  }
}

void SandboxLedger::wake(const SandboxRecord& record) {
  if (record.pending) return;
  auto [first, last] = waiters_.equal_range(record.id.str());
  for (auto it = first; it != last; ++it) {
    it->second->record = record;
    it->second->event.set();
  }
}

Task<std::optional<SandboxRecord>> SandboxLedger::settled(SandboxId id, Mono deadline) {
  Waiter waiter;
  auto place = waiters_.emplace(id.str(), &waiter);
  bool woken = co_await waiter.event.wait(deadline);
  waiters_.erase(place);
  if (!woken) co_return std::nullopt;
  co_return std::move(waiter.record);
}

Task<Status> SandboxLedger::resume() {
  loop_ = &Loop::current();
  auto again = [](store::Txn& txn, const WriteContext& context, SandboxRecord&, Effects& effects) {
    return resume_pending(txn, context, effects);
  };
  auto done = co_await write(again);
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Status{};
}

Result<std::shared_ptr<const SandboxLedger::Encoded>> SandboxLedger::encoded(const SandboxId& id) {
  if (auto it = cache_.find(id.str()); it != cache_.end()) return it->second;
  TRY(auto found, db_.read([&](store::Reader& r) { return find_sandbox(r, id); }));
  if (!found || found->hidden()) return nullptr;
  auto entry =
      std::make_shared<const Encoded>(Encoded{found->organization, encode(to_dto(*found, settings_))});
  if (cache_.size() >= kCached) cache_.erase(cache_.begin());
  cache_.emplace(id.str(), entry);
  return entry;
}

Result<JobSink::AfterCommit> SandboxLedger::job_ended(store::Txn& txn, const JobRecord& job, Wall now,
                                                      const Live& live) {
  Effects effects;
  WriteContext context{now, started_, live, &settings_};
  TRY_VOID(handle_job_end(txn, context, job, effects));
  return AfterCommit([this, effects = std::move(effects)]() mutable { publish(std::move(effects)); });
}

}  // namespace dt::api
