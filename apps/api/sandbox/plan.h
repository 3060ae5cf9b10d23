// From the body of POST /sandbox to the record that will be stored: the checks of contract api-sandbox §3.3,
// in its order.
#pragma once
#include "apps/api/organizations/store.h"
#include "apps/api/sandbox/settings.h"
#include "libs/contract/sandbox.h"

namespace dt::api {

struct Plan {
  SandboxRecord record;  // without a runner
  OrganizationRecord organization;
  SnapshotId snapshot;
};
// Checks 2 to 16: what does not depend on other sandboxes. Any thread.
Result<Plan> plan_sandbox(store::Reader& db, const OrganizationId& organization,
                          const contract::CreateSandbox& body, const SandboxSettings& settings, Wall now);
// Checks 17 to 22, inside the transaction; chooses the runner.
Status place_sandbox(store::Reader& db, Plan& plan, const contract::CreateSandbox& body,
                     const SandboxSettings& settings, Wall now, Wall api_started);

}  // namespace dt::api
