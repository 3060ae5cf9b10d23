#include "apps/api/sandbox/dto.h"

#include "apps/api/sandbox/state_machine.h"

namespace dt::api {

contract::SandboxListItem to_list_item(const SandboxRecord& r, const SandboxSettings& settings) {
  contract::SandboxListItem dto;
  dto.id = r.id.str();
  dto.organizationId = r.organization.str();
  dto.name = r.name;
  dto.target = r.region;
  dto.runnerId = r.runner;
  dto.sandboxClass = r.sandbox_class;
  dto.state = to_string(display_state(r.state, r.desired));
  dto.desiredState = to_string(r.desired);
  dto.snapshot = r.snapshot;
  dto.user = r.os_user;
  dto.errorReason = r.error_reason;
  dto.recoverable = r.recoverable;
  dto.public_ = r.is_public;
  dto.networkBlockAll = r.network_block_all;
  dto.networkAllowList = r.network_allow_list;
  dto.domainAllowList = r.domain_allow_list;
  dto.cpu = r.cpu;
  dto.gpu = r.gpu;
  dto.gpuType = r.gpu_type;
  dto.memory = r.memory;
  dto.disk = r.disk;
  dto.labels = r.labels;
  dto.autoStopInterval = r.auto_stop;
  dto.autoPauseInterval = r.auto_pause;
  dto.autoArchiveInterval = r.auto_archive;
  dto.autoDeleteInterval = r.auto_delete;
  if (r.auto_destroy_at) dto.autoDestroyAt = iso8601(*r.auto_destroy_at);
  dto.queueTimeout = r.queue_timeout;
  dto.createdAt = iso8601(r.created_at);
  dto.updatedAt = iso8601(r.updated_at);
  dto.lastActivityAt = iso8601(r.last_activity_at);
  dto.daemonVersion = r.daemon_version;
  dto.toolboxProxyUrl = settings.toolbox_url;
  return dto;
}

contract::Sandbox to_dto(const SandboxRecord& r, const SandboxSettings& settings) {
  contract::Sandbox dto;
  static_cast<contract::SandboxListItem&>(dto) = to_list_item(r, settings);
  dto.env = r.env;
  dto.volumes = r.volumes;
  dto.linkedSandboxId = r.linked;
  dto.outboundProxyUrl = r.outbound_proxy_url;
  dto.otelEndpointOverride = r.otel_endpoint;
  return dto;
}

std::string preview_url(const SandboxSettings& settings, int64_t port, const std::string& id) {
  std::string url = replace_all(settings.preview_template, "{{PORT}}", std::to_string(port));
  return replace_all(std::move(url), "{{sandboxId}}", id);
}

}  // namespace dt::api
