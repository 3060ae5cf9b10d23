#include "apps/api/health/routes.h"

#include "libs/base/log.h"

namespace dt::api {

std::vector<ApiRoute> HealthRoutes::table() {
  return {
      route({"GET", "/health", kPublic}, this, &HealthRoutes::alive),
      route({"GET", "/health/ready", only({Role::health_check, Role::admin})}, this, &HealthRoutes::ready),
  };
}

Result<contract::Health> HealthRoutes::alive(Call&) { return contract::Health{}; }

Result<contract::Health> HealthRoutes::ready(Call&) {
  auto answered = db_.ping();
  if (answered) return contract::Health{};
  log::error("not ready", {{"error", answered.error().message}});
  return fail(Code::unavailable, "Service Unavailable");
}

}  // namespace dt::api
