#include "apps/api/sandbox/lifecycle.h"

#include <fmt/core.h>

#include "apps/api/organizations/store.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

constexpr size_t kTokenLength = 32;
constexpr std::string_view kSandbox = "SANDBOX";

std::string_view type_of(SandboxJob job) {
  switch (job) {
    case SandboxJob::create:
      return contract::job_type::kCreateSandbox;
    case SandboxJob::start:
      return contract::job_type::kStartSandbox;
    case SandboxJob::stop:
      return contract::job_type::kStopSandbox;
    case SandboxJob::destroy:
      return contract::job_type::kDestroySandbox;
  }
  return {};
}

std::map<std::string, std::string> metadata_of(const SandboxRecord& r, const std::string& organization_name) {
  return {{"organizationId", r.organization.str()},
          {"organizationName", organization_name},
          {"limitNetworkEgress", "false"}};
}

void add_proxy_variables(std::map<std::string, std::string>& env, const std::string& url) {
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
    env.try_emplace(name, url);
}

std::string create_payload(const SandboxRecord& r, const std::string& organization_name) {
  contract::CreateSandboxPayload p;
  p.id = r.id.str();
  p.name = r.name;
  p.userId = p.organizationId = r.organization.str();
  p.regionId = r.region;
  p.sandboxClass = r.sandbox_class;
  p.snapshot = r.snapshot_ref;
  p.osUser = r.os_user;
  p.cpuQuota = r.cpu;
  p.gpuQuota = r.gpu;
  p.memoryQuota = r.memory;
  p.storageQuota = r.disk;
  p.env = r.env;
  if (r.outbound_proxy_url) add_proxy_variables(p.env, *r.outbound_proxy_url);
  if (r.entrypoint)
    if (auto words = json::parse(*r.entrypoint); words && words->is_array()) {
      Violations ignored;
      codec::read(*words, p.entrypoint.emplace(), codec::Where{"", ignored});
    }
  for (const auto& v : r.volumes) p.volumes.push_back({v.volumeId, v.mountPath, v.subpath});
  p.networkBlockAll = r.network_block_all;
  p.networkAllowList = r.network_allow_list;
  p.domainAllowList = r.domain_allow_list;
  p.metadata = metadata_of(r, organization_name);
  p.metadata["sandboxName"] = r.name;
  p.authToken = r.auth_token;
  p.otelEndpoint = r.otel_endpoint;
  p.linkedSandboxId = r.linked;
  return encode(p);
}

std::string start_payload(const SandboxRecord& r, const std::string& organization_name) {
  contract::StartSandboxPayload p{.authToken = r.auth_token, .metadata = metadata_of(r, organization_name)};
  if (r.domain_allow_list) p.metadata["domainAllowList"] = *r.domain_allow_list;
  return encode(p);
}

Result<std::string> organization_name(store::Reader& db, const SandboxRecord& r) {
  TRY(auto organization, find_organization(db, r.organization));
  return organization ? organization->name : std::string();
}

Result<std::optional<std::string>> payload_of(store::Reader& db, SandboxJob job, const SandboxRecord& r) {
  if (job == SandboxJob::destroy) return std::nullopt;
  if (job == SandboxJob::stop) return encode(contract::StopSandboxPayload{.force = r.force_stop});
  TRY(std::string name, organization_name(db, r));
  return job == SandboxJob::create ? create_payload(r, name) : start_payload(r, name);
}

Status write_job(store::Txn& txn, const WriteContext& context, const SandboxRecord& r, SandboxJob job,
                 std::optional<std::string> payload, Effects& effects) {
  auto record = Jobs::make(context.live, RunnerId(r.runner.value_or("")), type_of(job), r.id.str(),
                           std::move(payload), context.now);
  TRY_VOID(insert_job(txn, record));
  effects.jobs.push_back(std::move(record));
  return {};
}

std::optional<SandboxEvent> event_of(const JobRecord& job) {
  bool good = job.status == contract::job_status::kCompleted;
  if (job.type == contract::job_type::kCreateSandbox)
    return good ? SandboxEvent::create_completed : SandboxEvent::create_failed;
  if (job.type == contract::job_type::kStartSandbox)
    return good ? SandboxEvent::start_completed : SandboxEvent::start_failed;
  if (job.type == contract::job_type::kStopSandbox)
    return good ? SandboxEvent::stop_completed : SandboxEvent::stop_failed;
  if (job.type == contract::job_type::kDestroySandbox)
    return good ? SandboxEvent::destroy_completed : SandboxEvent::destroy_failed;
  return std::nullopt;
}

std::string_view default_reason(std::string_view job_type) {
  if (job_type == contract::job_type::kCreateSandbox) return "Failed to create sandbox";
  if (job_type == contract::job_type::kStartSandbox) return "Failed to start sandbox";
  if (job_type == contract::job_type::kStopSandbox) return "Failed to stop sandbox";
  return "Failed to destroy sandbox";
}

void note_result(SandboxRecord& r, const JobRecord& job) {
  if (job.status == contract::job_status::kFailed) {
    Failure failure = parse_failure(job.error_message, default_reason(job.type));
    r.error_reason = failure.reason;
    r.recoverable = failure.recoverable;
  } else if (job.result_metadata) {
    if (auto result = decode<contract::SandboxJobResult>(*job.result_metadata);
        result && result->daemonVersion)
      r.daemon_version = result->daemonVersion;
  }
}

// Whoever goes takes along what was linked to it. Links are one level deep.
Status remove_followers(store::Txn& txn, const WriteContext& context, const SandboxRecord& owner,
                        Effects& effects) {
  TRY(auto followers, followers_of(txn, owner.id));
  for (SandboxRecord& follower : followers) {
    Status removed = handle_event(txn, context, follower, SandboxEvent::delete_requested, effects);
    if (!removed)
      log::warn(
          "a linked sandbox stays behind its owner",
          {{"sandbox", follower.id.str()}, {"owner", owner.id.str()}, {"error", removed.error().message}});
  }
  return {};
}

Status resume_one(store::Txn& txn, const WriteContext& context, SandboxRecord& record, Effects& effects) {
  if (!record.pending) return {};
  TRY(bool busy, has_unfinished_job(txn, kSandbox, record.id.str()));
  if (busy) return {};
  Transition next = resume(situation_of(record));
  return next.changed ? apply(txn, context, record, next, effects) : Status{};
}

}  // namespace

Situation situation_of(const SandboxRecord& r) {
  return {.state = r.state,
          .desired = r.desired,
          .pending = r.pending,
          .ephemeral = r.ephemeral(),
          .has_runner = r.runner.has_value()};
}

Status apply(store::Txn& txn, const WriteContext& context, SandboxRecord& record, const Transition& t,
             Effects& effects) {
  SandboxRecord before = record;
  record.state = t.state;
  record.desired = t.desired;
  record.pending = t.pending;
  if (t.clear_error) {
    record.error_reason.reset();
    record.recoverable = false;
  }
  if (t.renew_token) record.auth_token = random_token(kTokenLength);
  if (t.free_name && before.desired != DesiredState::destroyed)
    record.name = fmt::format("DESTROYED_{}_{}", record.name, to_millis(context.now));
  if (record.state != before.state) record.last_activity_at = context.now;
  if (t.job) {
    TRY(auto payload, payload_of(txn, *t.job, record));
    TRY_VOID(write_job(txn, context, record, *t.job, std::move(payload), effects));
  }
  if (record.state == SandboxState::destroyed) record.runner.reset();
  if (record.state != SandboxState::stopping) record.force_stop = false;
  record.updated_at = context.now;
  TRY_VOID(save_sandbox(txn, record));
  bool going = before.desired != DesiredState::destroyed && record.desired == DesiredState::destroyed;
  effects.changes.push_back({std::move(before), record});
  return going ? remove_followers(txn, context, record, effects) : Status{};
}

Status handle_event(store::Txn& txn, const WriteContext& context, SandboxRecord& record, SandboxEvent event,
                    Effects& effects) {
  TRY(bool busy, has_unfinished_job(txn, kSandbox, record.id.str()));
  TRY(Transition t, react(situation_of(record), event, busy));
  return t.changed ? apply(txn, context, record, t, effects) : Status{};
}

Status insert_with_job(store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                       const std::string& organization_name, Effects& effects) {
  record.auth_token = random_token(kTokenLength);
  record.created_at = record.updated_at = record.last_activity_at = context.now;
  Transition first = resume(situation_of(record));
  record.state = first.state;
  record.pending = first.pending;
  Status inserted = insert_sandbox(txn, record);
  if (!inserted && inserted.error().code == Code::conflict)
    return fail(Code::conflict, fmt::format("Sandbox with name {} already exists", record.name));
  TRY_VOID(inserted);
  TRY_VOID(write_job(txn, context, record, SandboxJob::create, create_payload(record, organization_name),
                     effects));
  effects.changes.push_back({std::nullopt, record});
  return {};
}

Status save_edit(store::Txn& txn, const WriteContext& context, const SandboxRecord& before,
                 SandboxRecord& record, Effects& effects) {
  record.updated_at = context.now;
  TRY_VOID(save_sandbox(txn, record));
  effects.changes.push_back({before, record});
  return {};
}

Status handle_job_end(store::Txn& txn, const WriteContext& context, const JobRecord& job, Effects& effects) {
  TRY(auto found, find_sandbox(txn, SandboxId(job.resource_id)));
  if (!found) return {};
  SandboxRecord record = std::move(*found);
  if (auto event = event_of(job)) {
    auto t = react(situation_of(record), *event);
    if (t && t->changed) {
      note_result(record, job);
      TRY_VOID(apply(txn, context, record, *t, effects));
    }
  }
  return resume_one(txn, context, record, effects);
}

Status resume_pending(store::Txn& txn, const WriteContext& context, Effects& effects) {
  TRY(auto records, pending_sandboxes(txn));
  for (SandboxRecord& record : records) TRY_VOID(resume_one(txn, context, record, effects));
  return {};
}

Failure parse_failure(const std::optional<std::string>& message, std::string_view fallback) {
  if (!message || message->empty()) return {std::string(fallback)};
  if (message->front() == '{')
    if (auto parsed = decode<contract::JobFailure>(*message))
      return {parsed->errorReason, *parsed->recoverable};
  return {*message};
}

}  // namespace dt::api
