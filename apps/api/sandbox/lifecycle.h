// Writes transitions of the state machine: record, job and side effects in one transaction. Functions of the
// writer thread; what has to happen after the commit is collected in Effects and done by
// SandboxLedger::publish().
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/api/jobs/jobs.h"
#include "apps/api/sandbox/model.h"
#include "apps/api/sandbox/settings.h"
#include "apps/api/sandbox/state_machine.h"

namespace dt::api {

struct WriteContext {
  Wall now;
  Wall api_started;
  Jobs::Live live;
  const SandboxSettings* settings;  // never changes
};

struct Effects {
  std::vector<SandboxChange> changes;
  std::vector<JobRecord> jobs;
  std::vector<SandboxId> touched;  // changed without an event
  std::vector<SandboxId> removed;
};

Situation situation_of(const SandboxRecord& record);

// Applies `transition` to `record` and writes it with its job.
Status apply(store::Txn& txn, const WriteContext& context, SandboxRecord& record,
             const Transition& transition, Effects& effects);
// Reacts to an event: unchanged, changed and written, or the state machine's refusal.
Status handle_event(store::Txn& txn, const WriteContext& context, SandboxRecord& record, SandboxEvent event,
                    Effects& effects);
// A new record (state unknown, desired started, runner chosen) with its create job.
Status insert_with_job(store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                       const std::string& organization_name, Effects& effects);
// An edit without a transition.
Status save_edit(store::Txn& txn, const WriteContext& context, const SandboxRecord& before,
                 SandboxRecord& record, Effects& effects);
// The result of a job (api-sandbox §21.3), and whatever had to wait for its end.
Status handle_job_end(store::Txn& txn, const WriteContext& context, const JobRecord& job, Effects& effects);
// After a restart: pending records without a job get their job again.
Status resume_pending(store::Txn& txn, const WriteContext& context, Effects& effects);

// "reason" or {"errorReason":…,"recoverable":…} (api-sandbox §7.1)
struct Failure {
  std::string reason;
  bool recoverable = false;
};
Failure parse_failure(const std::optional<std::string>& message, std::string_view fallback);

}  // namespace dt::api
