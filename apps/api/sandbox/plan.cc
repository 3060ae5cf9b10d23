#include "apps/api/sandbox/plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "apps/api/regions/store.h"
#include "apps/api/runners/store.h"
#include "apps/api/sandbox/network_settings.h"
#include "apps/api/sandbox/quota.h"
#include "apps/api/sandbox/store.h"
#include "apps/api/snapshots/store.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

using contract::CreateSandbox;

bool given(const std::optional<int64_t>& value) { return value && *value != 0; }
bool given(const std::optional<std::string>& value) { return value && !trim(*value).empty(); }

bool wants_gpu_type(const codec::bj::value& value) {
  return value.is_string() || (value.is_array() && !value.get_array().empty());
}

std::optional<std::string> unless_blank(const std::optional<std::string>& value) {
  return given(value) ? std::optional(std::string(trim(*value))) : std::nullopt;
}

Status check_form(const CreateSandbox& body) {
  if (body.buildInfo) {
    if (given(body.snapshot))
      return fail(Code::bad_request, "Cannot specify a snapshot when using a build info entry");
    if (given(body.linkedSandbox))
      return fail(Code::bad_request,
                  "linkedSandbox is not supported with declarative builds. Create a sandbox from a snapshot");
    return fail(Code::unprocessable,
                "Declarative builds are not supported by this server yet. Create a sandbox from a snapshot");
  }
  if (given(body.cpu) || given(body.gpu) || given(body.memory) || given(body.disk))
    return fail(Code::bad_request, "Cannot specify Sandbox resources when using a snapshot");
  if (wants_gpu_type(body.gpuType))
    return fail(
        Code::bad_request,
        "Cannot specify GPU type when creating sandbox from snapshot. GPU type is inherited from snapshot.");
  return {};
}

Result<RegionRecord> region_for(store::Reader& db, const OrganizationRecord& organization,
                                const CreateSandbox& body) {
  if (!organization.default_region)
    return fail(Code::bad_request,
                "This organization does not have a default region. Please open the Daytona Dashboard to set "
                "a default region.");
  bool asked = given(body.target);
  std::string_view wanted = asked ? trim(*body.target) : std::string_view(*organization.default_region);
  TRY(auto region, find_region(db, organization.id, wanted));
  if (!region) return fail(Code::not_found, asked ? "Region not found" : "Default region not found");
  return std::move(*region);
}

Result<SnapshotRecord> snapshot_for(store::Reader& db, const OrganizationId& organization,
                                    const std::string& region, const std::string& name) {
  TRY(auto snapshot, find_snapshot(db, organization, name));
  if (!snapshot)
    return fail(Code::bad_request,
                fmt::format("Snapshot {} not found. Did you add it through the Daytona Dashboard?", name));
  if (std::ranges::find(snapshot->regions, region) == snapshot->regions.end())
    return fail(Code::bad_request, fmt::format("Snapshot {} is not available in region {}", name, region));
  if (snapshot->state != "active")
    return fail(Code::bad_request, fmt::format("Snapshot {} is {}", name, snapshot->state));
  if (snapshot->ref.empty()) return fail(Code::bad_request, "Snapshot ref is not defined");
  return std::move(*snapshot);
}

// Members of the body that need features this server does not have: a clear refusal, never silence.
Status check_supported(const CreateSandbox& body, const SnapshotRecord& snapshot) {
  if (body.spot.value_or(false)) return fail(Code::bad_request, "Spot sandboxes require a GPU");
  if (body.kvm.value_or(false))
    return fail(Code::bad_request, "KVM is only available for linux-vm sandboxes");
  if (given(body.autoPauseInterval))
    return fail(Code::bad_request, "Auto-pause is not supported for sandboxes of class container");
  if (body.secrets && !body.secrets->empty()) {
    const auto& first = body.secrets->front();
    std::string name = first.empty() ? "" : contract::string_values(first).begin()->second;
    return fail(Code::not_found, fmt::format("Secret with name {} not found", name));
  }
  if (snapshot.gpu > 0 && body.autoDeleteInterval != 0)
    return fail(Code::bad_request, "GPU sandboxes must be ephemeral - set autoDeleteInterval to 0");
  return {};
}

std::unexpected<Error> refuse_link(std::string message) {
  return fail(Code::bad_request, std::move(message));
}

// The owner of a linked sandbox, when it may have one.
Result<SandboxRecord> link_owner(store::Reader& db, const OrganizationId& organization,
                                 const CreateSandbox& body) {
  if (body.autoDeleteInterval != 0)
    return refuse_link("Linked sandboxes must be ephemeral (set autoDeleteInterval to 0)");
  std::string_view wanted = trim(*body.linkedSandbox);
  TRY(auto owner, find_sandbox(db, organization, wanted));
  if (!owner) return fail(Code::not_found, fmt::format("Sandbox with ID or name {} not found", wanted));
  if (owner->linked)
    return refuse_link(
        fmt::format("Linked sandbox {} is itself linked to another sandbox; chained links are not allowed",
                    owner->id.str()));
  bool steady = owner->state == SandboxState::started || owner->state == SandboxState::stopped;
  if (!steady || !owner->runner || owner->desired == DesiredState::destroyed)
    return refuse_link(fmt::format(
        "Linked sandbox must be in STARTED or STOPPED state with an assigned runner (current: {})",
        to_string(owner->state)));
  return std::move(*owner);
}

// A linked sandbox lives where its owner lives, or nowhere.
Status check_link_runner(store::Reader& db, const std::string& id, const std::string& region, Wall now,
                         Wall api_started) {
  TRY(auto runner, find_runner(db, RunnerId(id)));
  if (!runner) return refuse_link("No available runners");
  if (runner->region != region)
    return refuse_link(
        fmt::format("Runner hosting linked sandbox is in region {}, which does not match requested region {}",
                    runner->region, region));
  std::string_view state = runner_state(*runner, now, api_started);
  if (state != "ready") return refuse_link(fmt::format("Runner {} is not READY (current: {})", id, state));
  if (runner->unschedulable) return refuse_link(fmt::format("Runner {} is unschedulable", id));
  return {};
}

void take_resources(SandboxRecord& r, const SnapshotRecord& snapshot) {
  r.snapshot = snapshot.name;
  r.snapshot_ref = snapshot.ref;
  r.sandbox_class = snapshot.sandbox_class;
  if (snapshot.entrypoint) r.entrypoint = encode(*snapshot.entrypoint);
  r.cpu = snapshot.cpu;
  r.gpu = snapshot.gpu;
  r.memory = snapshot.memory;
  r.disk = snapshot.disk;
}

void take_body(SandboxRecord& r, const CreateSandbox& body, const SandboxSettings& settings, Wall now) {
  r.name = body.name && !body.name->empty() ? *body.name : r.id.str();
  r.os_user = given(body.user) ? *body.user : settings.default_user;
  if (body.env) r.env = contract::string_values(*body.env);
  if (body.labels) r.labels = contract::string_values(*body.labels);
  r.is_public = body.public_.value_or(false);
  r.network_block_all = body.networkBlockAll.value_or(false);
  r.network_allow_list = unless_blank(body.networkAllowList);
  r.domain_allow_list = unless_blank(body.domainAllowList);
  r.outbound_proxy_url = unless_blank(body.outboundProxyUrl);
  r.otel_endpoint = unless_blank(body.otelEndpointOverride);
  r.auto_stop = body.autoStopInterval.value_or(settings.default_auto_stop);
  int64_t archive = body.autoArchiveInterval.value_or(settings.default_auto_archive);
  r.auto_archive = archive == 0 ? settings.max_auto_archive : std::min(archive, settings.max_auto_archive);
  r.auto_delete = body.autoDeleteInterval.value_or(-1);
  if (given(body.ttlMinutes))
    r.auto_destroy_at = now + std::chrono::minutes(std::min<int64_t>(*body.ttlMinutes, 1'000'000'000));
  r.queue_timeout = body.queueTimeout;
}

Status check_intervals(const CreateSandbox& body) {
  if (body.autoStopInterval.value_or(0) < 0)
    return fail(Code::bad_request, "Auto-stop interval must be non-negative");
  if (body.autoArchiveInterval.value_or(0) < 0)
    return fail(Code::bad_request, "Auto-archive interval must be non-negative");
  return {};
}

}  // namespace

Result<Plan> plan_sandbox(store::Reader& db, const OrganizationId& organization, const CreateSandbox& body,
                          const SandboxSettings& settings, Wall now) {
  TRY_VOID(check_form(body));
  TRY(auto owner, find_organization(db, organization));
  if (!owner) return fail(Code::forbidden, "Invalid authentication context");
  TRY(RegionRecord region, region_for(db, *owner, body));
  std::string name = given(body.snapshot) ? std::string(trim(*body.snapshot)) : settings.default_snapshot;
  TRY(SnapshotRecord snapshot, snapshot_for(db, organization, region.id, name));
  TRY_VOID(check_supported(body, snapshot));
  if (given(body.linkedSandbox)) TRY_VOID(link_owner(db, organization, body));
  Plan plan;
  plan.record.id = SandboxId(uuid_v4());
  plan.record.organization = organization;
  plan.record.region = region.id;
  take_resources(plan.record, snapshot);
  take_body(plan.record, body, settings, now);
  plan.organization = std::move(*owner);
  plan.snapshot = snapshot.id;
  return plan;
}

Status place_sandbox(store::Reader& db, Plan& plan, const CreateSandbox& body,
                     const SandboxSettings& settings, Wall now, Wall api_started) {
  SandboxRecord& r = plan.record;
  TRY_VOID(check_quota(db, plan.organization, r, settings));
  // There are no volumes yet, so none can be found.
  if (body.volumes && !body.volumes->empty())
    return fail(Code::not_found, fmt::format("Volume '{}' not found", body.volumes->front().volumeId));
  Demand demand{.region = r.region,
                .sandbox_class = r.sandbox_class,
                .cpu = r.cpu,
                .memory = r.memory,
                .disk = r.disk,
                .gpu = r.gpu};
  if (given(body.linkedSandbox)) {
    TRY(SandboxRecord owner, link_owner(db, r.organization, body));  // it may be on its way out by now
    TRY_VOID(check_link_runner(db, *owner.runner, r.region, now, api_started));
    r.linked = owner.id.str();
    demand.runner = owner.runner;
  }
  TRY(RunnerRecord runner, choose_runner(db, demand, settings.overcommit, now, api_started));
  r.runner = runner.id.str();
  if (r.network_allow_list) TRY_VOID(check_network_allow_list(*r.network_allow_list));
  if (r.domain_allow_list) TRY_VOID(check_domain_allow_list(*r.domain_allow_list));
  return check_intervals(body);
}

}  // namespace dt::api
