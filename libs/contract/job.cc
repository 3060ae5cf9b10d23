#include "libs/contract/job.h"

namespace dt::contract {

void check(const UpdateJobStatus& body, Violations& violations) {
  for (auto known :
       {job_status::kPending, job_status::kInProgress, job_status::kCompleted, job_status::kFailed})
    if (body.status == known) return;
  violations.add("status must be one of the following values: PENDING, IN_PROGRESS, COMPLETED, FAILED");
}

}  // namespace dt::contract
