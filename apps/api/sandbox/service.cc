#include "apps/api/sandbox/service.h"

#include <fmt/core.h>

#include "apps/api/sandbox/network_settings.h"
#include "apps/api/sandbox/plan.h"
#include "apps/api/sandbox/quota.h"
#include "apps/api/snapshots/store.h"

namespace dt::api {
namespace {

using S = SandboxState;

Status check_start_quota(store::Reader& db, const SandboxRecord& record, const SandboxSettings& settings) {
  TRY(auto organization, find_organization(db, record.organization));
  if (!organization) return fail(Code::forbidden, "Invalid authentication context");
  return check_quota(db, *organization, record, settings);
}

Status write_network_job(store::Txn& txn, const WriteContext& context, const SandboxRecord& record,
                         Effects& effects) {
  if (!record.runner) return {};
  contract::NetworkSettingsPayload payload{record.network_block_all, record.network_allow_list,
                                           record.domain_allow_list};
  auto job = Jobs::make(context.live, RunnerId(*record.runner), contract::job_type::kUpdateNetwork,
                        record.id.str(), encode(payload), context.now);
  TRY_VOID(insert_job(txn, job));
  effects.jobs.push_back(std::move(job));
  return {};
}

}  // namespace

Task<Result<SandboxRecord>> Sandboxes::create(OrganizationId organization, contract::CreateSandbox body) {
  Wall now = ledger_.clock().wall();
  auto plan = ledger_.db().read(
      [&](store::Reader& r) { return plan_sandbox(r, organization, body, ledger_.settings(), now); });
  if (!plan) co_return std::unexpected(std::move(plan).error());
  auto on_its_way = std::make_shared<std::vector<JobRecord>>();
  auto record =
      co_await ledger_.write([&ledger = ledger_, on_its_way, plan = std::move(*plan), body = std::move(body)](
                                 store::Txn& txn, const WriteContext& context, SandboxRecord& out,
                                 Effects& effects) mutable -> Status {
        TRY_VOID(place_sandbox(txn, plan, body, *context.settings, context.now, context.api_started));
        TRY_VOID(insert_with_job(txn, context, plan.record, plan.organization.name, effects));
        TRY_VOID(touch_snapshot(txn, plan.snapshot, context.now));
        out = plan.record;
        *on_its_way = ledger.hand_out_early(effects);
        return {};
      });
  if (!record) {
    ledger_.take_back(*on_its_way);
    co_return std::unexpected(std::move(record).error());
  }
  auto started = co_await when_started(std::move(*record));
  co_return started;
}

Task<Result<SandboxRecord>> Sandboxes::when_started(SandboxRecord record) {
  if (!record.pending) co_return record;
  auto settled = co_await ledger_.settled(record.id, after(ledger_.settings().start_wait));
  if (!settled) {
    auto now = ledger_.db().read([&](store::Reader& r) { return find_sandbox(r, record.id); });
    if (now && *now) co_return std::move(**now);
    co_return record;
  }
  if (settled->state == S::error || settled->state == S::build_failed)
    co_return fail(Code::bad_request, fmt::format("Sandbox failed to start: {}",
                                                  settled->error_reason.value_or("unknown reason")));
  co_return std::move(*settled);
}

Task<Result<SandboxRecord>> Sandboxes::start(OrganizationId organization, std::string id_or_name) {
  auto begin = [](store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                  Effects& effects) -> Status {
    // Refusals of the state machine come before those of the quota.
    TRY(Transition t, react(situation_of(record), SandboxEvent::start_requested));
    if (!t.changed) return {};
    TRY_VOID(check_start_quota(txn, record, *context.settings));
    return handle_event(txn, context, record, SandboxEvent::start_requested, effects);
  };
  auto record = co_await ledger_.change(std::move(organization), std::move(id_or_name), begin);
  if (!record) co_return std::unexpected(std::move(record).error());
  auto started = co_await when_started(std::move(*record));
  co_return started;
}

Task<Result<SandboxRecord>> Sandboxes::stop(OrganizationId organization, std::string id_or_name, bool force) {
  auto begin = [force](store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                       Effects& effects) {
    record.force_stop = force;
    return handle_event(txn, context, record, SandboxEvent::stop_requested, effects);
  };
  return ledger_.change(std::move(organization), std::move(id_or_name), begin);
}

Task<Result<SandboxRecord>> Sandboxes::remove(OrganizationId organization, std::string id_or_name) {
  auto begin = [](store::Txn& txn, const WriteContext& context, SandboxRecord& record, Effects& effects) {
    return handle_event(txn, context, record, SandboxEvent::delete_requested, effects);
  };
  return ledger_.change(std::move(organization), std::move(id_or_name), begin);
}

Task<Result<SandboxRecord>> Sandboxes::edit(OrganizationId organization, std::string id_or_name, Edit edit) {
  auto body = [edit = std::move(edit)](store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                                       Effects& effects) -> Status {
    SandboxRecord before = record;
    TRY_VOID(edit(record, context.now));
    return save_edit(txn, context, before, record, effects);
  };
  return ledger_.change(std::move(organization), std::move(id_or_name), std::move(body));
}

Task<Result<SandboxRecord>> Sandboxes::update_network(OrganizationId organization, std::string id_or_name,
                                                      codec::bj::value body) {
  auto change = [body = std::move(body)](store::Txn& txn, const WriteContext& context, SandboxRecord& record,
                                         Effects& effects) -> Status {
    SandboxRecord before = record;
    TRY_VOID(apply_network_settings(record, body));
    TRY_VOID(write_network_job(txn, context, record, effects));
    return save_edit(txn, context, before, record, effects);
  };
  return ledger_.change(std::move(organization), std::move(id_or_name), std::move(change));
}

Task<Status> Sandboxes::report(RunnerId runner, SandboxId id, contract::UpdateSandboxState body) {
  auto change = [runner, id, body = std::move(body)](store::Txn& txn, const WriteContext& context,
                                                     SandboxRecord& out, Effects& effects) -> Status {
    TRY(auto record, find_sandbox(txn, id));
    if (!record || record->runner != runner.str())
      return fail(Code::not_found, fmt::format("Sandbox with ID {} not found", id.str()));
    SandboxState state = parse_sandbox_state(body.state).value_or(S::unknown);  // checked when it was decoded
    TRY(Transition t, api::report(situation_of(*record), state));
    if (!t.changed) return {};
    record->recoverable = false;
    if (body.errorReason) {
      record->error_reason = body.errorReason;
      record->recoverable = state == S::error && body.recoverable.value_or(false);
    }
    TRY_VOID(apply(txn, context, *record, t, effects));
    out = std::move(*record);
    return {};
  };
  auto done = co_await ledger_.write(std::move(change));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Status{};
}

Result<SandboxRecord> Sandboxes::find(const OrganizationId& organization, std::string_view id_or_name) {
  TRY(auto record,
      ledger_.db().read([&](store::Reader& r) { return find_sandbox(r, organization, id_or_name); }));
  if (!record) return sandbox_not_found(id_or_name);
  return std::move(*record);
}

Result<CursorRows> Sandboxes::list(const CursorQuery& query) {
  return ledger_.db().read([&](store::Reader& r) { return list_sandboxes(r, query); });
}

Result<PageRows> Sandboxes::list(const PageQuery& query) {
  return ledger_.db().read([&](store::Reader& r) { return list_sandboxes(r, query); });
}

Result<std::vector<SandboxRecord>> Sandboxes::of_runner(const RunnerId& runner) {
  TRY(auto all, ledger_.db().read([&](store::Reader& r) { return sandboxes_of_runner(r, runner.str()); }));
  std::erase_if(all, [](const SandboxRecord& r) { return r.hidden(); });
  return all;
}

}  // namespace dt::api
