#include "apps/api/snapshots/model.h"

namespace dt::api {

contract::Snapshot to_dto(const SnapshotRecord& r) {
  contract::Snapshot out;
  out.id = r.id.str();
  out.organizationId = r.organization.str();
  out.general = r.general;
  out.name = r.name;
  out.imageName = r.image_name;
  out.ref = r.ref;
  out.state = r.state;
  out.size = r.size;
  out.entrypoint = r.entrypoint;
  out.cpu = r.cpu;
  out.gpu = r.gpu;
  out.mem = r.memory;
  out.disk = r.disk;
  out.errorReason = r.error_reason;
  out.createdAt = iso8601(r.created_at);
  out.updatedAt = iso8601(r.updated_at);
  if (r.last_used_at) out.lastUsedAt = iso8601(*r.last_used_at);
  out.regionIds = r.regions;
  out.sandboxClass = r.sandbox_class;
  return out;
}

}  // namespace dt::api
