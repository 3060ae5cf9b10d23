// What must be there before the first request (contract api-core §1.3): the default region, the admin user
// with a personal organization and a key, the default snapshot. Every step is skipped when its object exists,
// so that it runs at every start.
#pragma once
#include <optional>

#include "apps/api/config/config.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/secret.h"
#include "libs/net/task.h"
#include "libs/store/db.h"

namespace dt::api {

struct FirstStart {
  OrganizationId organization;
  // Set on the first start only: the key's text, which is stored nowhere. Show it once.
  std::optional<Secret> api_key;
};
Task<Result<FirstStart>> bootstrap(store::Database& db, Clock& clock, const ApiConfig& config);

}  // namespace dt::api
