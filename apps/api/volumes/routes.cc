#include "apps/api/volumes/routes.h"

namespace dt::api {

std::vector<ApiRoute> VolumeRoutes::table() {
  Access reading = user_with(Permission::read_volumes);
  return {
      route({"GET", "/volumes", reading}, this, &VolumeRoutes::list),
      route({"POST", "/volumes", user_with(Permission::write_volumes)}, this, &VolumeRoutes::create),
      route({"GET", "/volumes/{volumeId}", reading}, this, &VolumeRoutes::get),
      route({"GET", "/volumes/by-name/{name}", reading}, this, &VolumeRoutes::by_name),
  };
}

Result<std::vector<contract::Volume>> VolumeRoutes::list(Call&) { return std::vector<contract::Volume>(); }

Result<contract::Volume> VolumeRoutes::get(Call& call) {
  return fail(Code::not_found, "Volume with ID " + std::string(call.param("volumeId")) + " not found");
}

Result<contract::Volume> VolumeRoutes::by_name(Call& call) {
  return fail(Code::not_found, "Volume with name " + std::string(call.param("name")) + " not found");
}

Result<contract::Volume> VolumeRoutes::create(Call&) {
  return fail(Code::unavailable, "Object storage is not configured");
}

}  // namespace dt::api
