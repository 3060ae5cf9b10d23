#include "apps/api/health/routes.h"

#include "libs/base/log.h"

namespace dt::api {

std::vector<ApiRoute> HealthRoutes::table() {
  return {
      route({"GET", "/health", kPublic}, this, &HealthRoutes::alive),
      route({"GET", "/health/ready", only({Role::health_check, Role::admin})}, this, &HealthRoutes::ready),
      route({.method = "GET", .path = "/", .access = kPublic, .prefix = ""}, this, &HealthRoutes::root),
  };
}

Result<contract::Health> HealthRoutes::alive(Call&) { return contract::Health{}; }

Result<PlainText> HealthRoutes::root(Call&) {
  return PlainText{"This is a Daytona API server. Clients use the address of this page followed by /api.\n"};
}

Result<contract::Health> HealthRoutes::ready(Call&) {
  auto answered = db_.ping();
  if (answered) return contract::Health{};
  log::error("not ready", {{"error", answered.error().message}});
  return fail(Code::unavailable, "Service Unavailable");
}

}  // namespace dt::api
