#include "apps/api/storage/routes.h"

namespace dt::api {

std::vector<ApiRoute> StorageRoutes::table() {
  Access pushing = any_user;
  pushing.any_of = {Permission::write_snapshots, Permission::write_sandboxes};
  return {
      route({"GET", "/docker-registry", any_user}, this, &StorageRoutes::registries),
      route({"GET", "/docker-registry/{id}", any_user}, this, &StorageRoutes::registry),
      route({"GET", "/object-storage/push-access", pushing}, this, &StorageRoutes::push_access),
  };
}

Result<boost::json::array> StorageRoutes::registries(Call&) { return boost::json::array(); }

Result<boost::json::object> StorageRoutes::registry(Call& call) {
  return fail(Code::not_found, "Docker registry with ID " + std::string(call.param("id")) + " not found");
}

Result<boost::json::object> StorageRoutes::push_access(Call&) {
  return fail(Code::unavailable, "Object storage is not configured");
}

}  // namespace dt::api
