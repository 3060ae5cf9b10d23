// The object graph of the API, top-down: who gets whom. No logic. Members are destroyed in reverse order.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "apps/api/api.h"
#include "apps/api/api_keys/routes.h"
#include "apps/api/auth/authenticator.h"
#include "apps/api/compute/compute.h"
#include "apps/api/discovery/routes.h"
#include "apps/api/health/routes.h"
#include "apps/api/notifications/socket_io.h"
#include "apps/api/organizations/routes.h"
#include "apps/api/pipeline/pipeline.h"
#include "apps/api/regions/routes.h"
#include "apps/api/snapshots/routes.h"
#include "apps/api/storage/routes.h"
#include "apps/api/users/routes.h"
#include "apps/api/volumes/routes.h"
#include "libs/net/http_server.h"

namespace dt::api {

struct Api::Graph {
  Graph(ApiConfig c, Clock& k, std::unique_ptr<store::Database> d, Listener l);
  std::vector<ApiRoute> routes();

  ApiConfig config;
  Clock& clock;
  std::unique_ptr<store::Database> db;
  Started started;

  EventHub hub;
  Authenticator authenticator;
  Compute compute;  // jobs, runners, sandboxes, previews
  ApiKeys api_keys;
  SocketIo socket_io;

  ConfigRoutes config_routes;
  HealthRoutes health_routes;
  UserRoutes user_routes;
  ApiKeyRoutes api_key_routes;
  OrganizationRoutes organization_routes;
  RegionRoutes region_routes;
  SnapshotRoutes snapshot_routes;
  VolumeRoutes volume_routes;
  StorageRoutes storage_routes;

  Pipeline pipeline;
  Listener listener;
  HttpServer server;
  TaskScope background{"api"};
};

}  // namespace dt::api
