#include "apps/runner/jobs/executor.h"

#include "libs/base/log.h"

namespace dt::runner {
namespace {

using contract::Job;

std::vector<std::string> list_of(const std::optional<std::string>& comma_separated) {
  std::vector<std::string> out;
  if (comma_separated)
    for (std::string_view part : split(*comma_separated, ','))
      if (!trim(part).empty()) out.emplace_back(trim(part));
  return out;
}

// Domain lists need a resolver that feeds the firewall; until it exists a sandbox that asks for one gets no
// network at all, never more than it asked for.
bool blocked(bool block_all, const std::optional<std::string>& domains) {
  bool unsupported = !list_of(domains).empty();
  if (unsupported) log::warn("domain allow lists are not available yet: the sandbox gets no network");
  return block_all || unsupported;
}

template <class T>
Result<T> payload_of(const Job& job) {
  if (!job.payload || job.payload->empty()) return fail(Code::bad_request, "payload is required");
  auto payload = decode<T>(*job.payload);
  if (!payload) return std::unexpected(std::move(payload.error()).context("failed to unmarshal payload"));
  return payload;
}

std::string daemon_version() { return encode(contract::SandboxJobResult{"v" DT_VERSION}); }

Result<std::string> create(const Job& job, Sandboxes& sandboxes) {
  TRY(auto p, payload_of<contract::CreateSandboxPayload>(job));
  if (!p.volumes.empty()) return fail(Code::unprocessable, "volumes are not available on this runner yet");
  if (p.gpuQuota > 0) return fail(Code::unprocessable, "this runner has no GPU");
  SandboxSpec spec;
  spec.id = p.id;
  spec.name = p.name;
  spec.organization_id = p.organizationId;
  spec.region_id = p.regionId;
  spec.snapshot = p.snapshot;
  spec.os_user = p.osUser;
  spec.env = p.env;
  spec.entrypoint = p.entrypoint.value_or(std::vector<std::string>{});
  spec.cpus = p.cpuQuota;
  spec.memory_gib = p.memoryQuota;
  spec.disk_gib = p.storageQuota;
  spec.network_block_all = blocked(p.networkBlockAll, p.domainAllowList);
  spec.network_allow = list_of(p.networkAllowList);
  spec.linked = p.linkedSandboxId;
  TRY_VOID(sandboxes.create(std::move(spec), !p.skipStart));
  return daemon_version();
}

Result<std::string> start(const Job& job, Sandboxes& sandboxes) {
  TRY_VOID(sandboxes.start(SandboxId(job.resourceId)));
  return daemon_version();
}

Result<std::string> stop(const Job& job, Sandboxes& sandboxes) {
  bool force = false;
  if (job.payload && !job.payload->empty()) {
    TRY(auto p, payload_of<contract::StopSandboxPayload>(job));
    force = p.force;
  }
  TRY_VOID(sandboxes.stop(SandboxId(job.resourceId), force));
  return std::string();
}

Result<std::string> destroy(const Job& job, Sandboxes& sandboxes) {
  TRY_VOID(sandboxes.destroy(SandboxId(job.resourceId)));
  return std::string();
}

Result<std::string> update_network(const Job& job, Sandboxes& sandboxes) {
  TRY(auto p, payload_of<contract::NetworkSettingsPayload>(job));
  TRY_VOID(sandboxes.set_network(SandboxId(job.resourceId), blocked(p.networkBlockAll, p.domainAllowList),
                                 list_of(p.networkAllowList)));
  return std::string();
}

struct Row {
  std::string_view type;
  Result<std::string> (*run)(const Job&, Sandboxes&);
};
constexpr Row kTypes[] = {
    {contract::job_type::kCreateSandbox, create},
    {contract::job_type::kStartSandbox, start},
    {contract::job_type::kStopSandbox, stop},
    {contract::job_type::kDestroySandbox, destroy},
    {contract::job_type::kUpdateNetwork, update_network},
};

Result<std::string> dispatch(const Job& job, Sandboxes& sandboxes) {
  // The id becomes a file name and a cgroup name: nothing but a UUID gets there.
  if (!is_uuid(job.resourceId)) return fail(Code::bad_request, "resource id is not a UUID");
  for (const Row& row : kTypes)
    if (row.type == job.type) return row.run(job, sandboxes);
  return fail(Code::not_implemented, "unknown job type: " + job.type);
}

}  // namespace

contract::UpdateJobStatus execute(const Job& job, Sandboxes& sandboxes) {
  auto result = dispatch(job, sandboxes);
  contract::UpdateJobStatus out;
  if (result) {
    out.status = contract::job_status::kCompleted;
    if (!result->empty()) out.resultMetadata = std::move(*result);
    return out;
  }
  log::error(
      "job failed",
      {{"job", job.id}, {"type", job.type}, {"sandbox", job.resourceId}, {"error", result.error().message}});
  out.status = contract::job_status::kFailed;
  // A full disk can be recovered from by expanding it; clients are told so.
  out.errorMessage = result.error().code == Code::insufficient_storage
                         ? encode(contract::JobFailure{result.error().message, true})
                         : result.error().message;
  return out;
}

}  // namespace dt::runner
