// SQL of the job outbox (contract api-sandbox §21). A job is written in the transaction that changes its
// resource and ended in the transaction that applies its result, so neither can be without the other.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/contract/job.h"
#include "libs/store/db.h"

namespace dt::api {

struct JobRecord {
  JobId id;
  RunnerId runner;
  std::string type;    // contract::job_type
  std::string status;  // contract::job_status
  std::string resource_type = "SANDBOX";
  std::string resource_id;
  std::optional<std::string> payload;
  std::optional<std::string> error_message, result_metadata;
  Wall created_at{}, updated_at{};
  bool complete() const {
    return status == contract::job_status::kCompleted || status == contract::job_status::kFailed;
  }
};
contract::Job to_dto(const JobRecord& job);

// Conflict "An operation is already in progress for this resource" when the resource has an unfinished job.
Status insert_job(store::Txn& txn, const JobRecord& job);
Result<std::optional<JobRecord>> find_job(store::Reader& db, const JobId& id);
Result<bool> has_unfinished_job(store::Reader& db, std::string_view resource_type,
                                std::string_view resource_id);
// PENDING jobs of the runner become IN_PROGRESS, oldest first.
Result<std::vector<JobRecord>> claim_pending_jobs(store::Txn& txn, const RunnerId& runner, int64_t limit,
                                                  Wall now);
// Writes status, messages and updated_at.
Status save_job(store::Txn& txn, const JobRecord& job);

Result<std::vector<JobRecord>> unfinished_jobs(store::Reader& db);
// Unfinished ones whose runner said nothing for the limit of their type, oldest first.
Result<std::vector<JobRecord>> lost_jobs(store::Reader& db, Wall now, int64_t limit);
// Finished a day ago.
Result<bool> has_old_jobs(store::Reader& db, Wall now);
Result<int64_t> remove_old_jobs(store::Txn& txn, Wall now);

struct JobPage {
  std::vector<JobRecord> items;
  int64_t total = 0;
};
Result<JobPage> list_jobs(store::Reader& db, const RunnerId& runner, std::string_view status, int64_t page,
                          int64_t limit);

int64_t job_limit_minutes(std::string_view type);

}  // namespace dt::api
