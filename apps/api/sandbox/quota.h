// Limits of an organization (contract api-sandbox §24, api-core §11.2).
#pragma once
#include "apps/api/organizations/store.h"
#include "apps/api/sandbox/settings.h"

namespace dt::api {

// For a sandbox that is about to hold cpu, memory and disk; what it holds already is not counted against it.
Status check_quota(store::Reader& db, const OrganizationRecord& organization, const SandboxRecord& sandbox,
                   const SandboxSettings& settings);

}  // namespace dt::api
