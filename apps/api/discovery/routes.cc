#include "apps/api/discovery/routes.h"

namespace dt::api {

std::vector<ApiRoute> ConfigRoutes::table() {
  return {route({"GET", "/config", kPublic}, this, &ConfigRoutes::get)};
}

Result<contract::Configuration> ConfigRoutes::get(Call&) {
  contract::Configuration out;
  out.version = config_.version;
  // Keys are issued by this server itself; clients of today read these and log in elsewhere.
  out.oidc = {.issuer = config_.api_url, .clientId = "daytona", .audience = "daytona", .provider = "auth0"};
  out.proxyTemplateUrl = config_.preview_template;
  out.proxyToolboxUrl = config_.toolbox_url();
  out.defaultSnapshot = config_.default_snapshot.name;
  out.dashboardUrl = config_.dashboard_url;
  out.maxAutoArchiveInterval = config_.max_auto_archive_interval;
  out.environment = config_.environment;
  return out;
}

}  // namespace dt::api
