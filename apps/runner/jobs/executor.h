// Executes one job on the sandboxes and says how it ended. Safe to run twice: every operation underneath is
// idempotent. Blocking; called on a worker thread.
#pragma once
#include "apps/runner/sandboxes/sandboxes.h"
#include "libs/contract/job.h"

namespace dt::runner {

contract::UpdateJobStatus execute(const contract::Job& job, Sandboxes& sandboxes);

}  // namespace dt::runner
