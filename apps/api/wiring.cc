#include "apps/api/wiring.h"

#include <iterator>

namespace dt::api {

namespace {

SandboxSettings sandbox_settings(const ApiConfig& config) {
  SandboxSettings out;
  out.toolbox_url = config.toolbox_url();
  out.preview_template = config.preview_template;
  out.dashboard_url = config.dashboard_url;
  out.default_snapshot = config.default_snapshot.name;
  out.max_auto_archive = config.max_auto_archive_interval;
  return out;
}

void append(std::vector<ApiRoute>& all, std::vector<ApiRoute> more) {
  std::ranges::move(more, std::back_inserter(all));
}

}  // namespace

Api::Graph::Graph(ApiConfig c, Clock& k, std::unique_ptr<store::Database> d, Listener l)
    : config(std::move(c)),
      clock(k),
      db(std::move(d)),
      authenticator(*db, clock, config),
      compute(*db, clock, hub, sandbox_settings(config)),
      api_keys(*db, clock, authenticator),
      socket_io(hub, [this](std::string_view token) { return authenticator.authenticate(token); }),
      config_routes(config),
      health_routes(*db),
      user_routes(*db),
      api_key_routes(api_keys),
      organization_routes(*db),
      region_routes(*db),
      snapshot_routes(*db),
      pipeline(config, clock, authenticator, routes()),
      listener(std::move(l)),
      server([this](Request& request) { return pipeline.handle(request); }, config.http) {
  server.on_error = [this](const Error& error) { return pipeline.refuse(error); };
  authenticator.set_find_runner([this](std::string_view key) { return compute.runner_by_key(key); });
}

std::vector<ApiRoute> Api::Graph::routes() {
  std::vector<ApiRoute> all;
  append(all, config_routes.table());
  append(all, health_routes.table());
  append(all, user_routes.table());
  append(all, api_key_routes.table());
  append(all, organization_routes.table());
  append(all, region_routes.table());
  append(all, snapshot_routes.table());
  append(all, volume_routes.table());
  append(all, storage_routes.table());
  append(all, compute.table());
  append(all, socket_io.table());
  return all;
}

}  // namespace dt::api
