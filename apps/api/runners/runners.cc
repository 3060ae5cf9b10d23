#include "apps/api/runners/runners.h"

#include <fmt/core.h>

#include <algorithm>

#include "apps/api/runners/score.h"
#include "libs/base/log.h"
#include "libs/base/random.h"

namespace dt::api {
namespace {

constexpr Access kRunner = only({Role::runner});
constexpr Access kRouters = only({Role::proxy, Role::ssh_gateway});

std::optional<std::string> gpu_type(const std::optional<std::string>& reported) {
  if (!reported) return std::nullopt;
  std::string text = replace_all(lower(*reported), " ", "");
  if (text.find("h100") != std::string::npos) return "H100";
  if (text.find("rtxpro6000") != std::string::npos) return "RTX-PRO-6000";
  return std::nullopt;
}

void keep(std::optional<std::string>& field, const std::optional<std::string>& reported) {
  if (reported && !reported->empty()) field = reported;
}

void apply(RunnerRecord& runner, contract::RunnerHealthcheck report, Wall now) {
  keep(runner.domain, report.domain);
  keep(runner.api_url, report.apiUrl);
  keep(runner.proxy_url, report.proxyUrl);
  keep(runner.app_version, report.appVersion);
  if (report.metrics) {
    report.metrics->gpuType = gpu_type(report.metrics->gpuType);
    runner.metrics = *report.metrics;
    runner.cpu = report.metrics->cpu;
    runner.memory = report.metrics->memoryGiB;
    runner.disk = report.metrics->diskGiB;
    runner.score = availability_score(*report.metrics);
  }
  bool healthy = !report.serviceHealth ||
                 std::ranges::all_of(*report.serviceHealth, [](const auto& s) { return s.healthy; });
  if (runner.state != "decommissioned") runner.state = healthy ? "ready" : "unresponsive";
  runner.last_checked = runner.updated_at = now;
}

}  // namespace

Task<Status> Runners::ensure_default(DefaultRunner config) {
  if (config.api_key.empty()) co_return Status{};
  auto done = co_await db_.write([config, now = clock_.wall()](store::Txn& txn) -> Status {
    TRY(auto existing, find_runner_by_name(txn, config.region, config.name));
    if (existing) {
      if (existing->api_key == config.api_key.reveal()) return {};
      existing->api_key = config.api_key.reveal();
      existing->updated_at = now;
      return save_runner(txn, *existing);
    }
    RunnerRecord runner;
    runner.id = RunnerId(uuid_v4());
    runner.name = config.name;
    runner.region = config.region;
    runner.api_key = config.api_key.reveal();
    runner.sandbox_class = config.sandbox_class;
    runner.created_at = runner.updated_at = now;
    return insert_runner(txn, runner);
  });
  co_return done;
}

std::vector<ApiRoute> Runners::table() {
  return {
      route({"GET", "/runners/me", kRunner}, this, &Runners::me),
      route({"POST", "/runners/healthcheck", kRunner, 201}, this, &Runners::healthcheck),
      route({"GET", "/runners/by-sandbox/{sandboxId}", kRouters}, this, &Runners::by_sandbox),
      route({"GET", "/runners/{id}/full", kRouters}, this, &Runners::full),
      route({"GET", "/runners", user_with(Permission::read_runners)}, this, &Runners::of_organization),
      route({"GET", "/runners/{id}", user_with(Permission::read_runners)}, this,
            &Runners::one_of_organization),
      route({"GET", "/admin/runners", admin_only}, this, &Runners::all),
      route({"PATCH", "/admin/runners/{id}/scheduling", admin_only}, this, &Runners::set_scheduling),
  };
}

contract::RunnerFull Runners::dto(const RunnerRecord& runner) const {
  return to_full_dto(runner, runner_state(runner, clock_.wall(), started_));
}

Result<contract::RunnerFull> Runners::me(Call& call) {
  TRY(auto runner, db_.read([&](store::Reader& r) { return find_runner(r, call.who.runner); }));
  if (!runner) return fail(Code::not_found, "Runner not found");
  return dto(*runner);
}

Result<contract::RunnerFull> Runners::full(Call& call) {
  RunnerId id{std::string(call.param("id"))};
  TRY(auto runner, db_.read([&](store::Reader& r) { return find_runner(r, id); }));
  if (!runner) return fail(Code::not_found, "Runner not found");
  return dto(*runner);
}

Result<contract::RunnerFull> Runners::by_sandbox(Call& call) {
  std::string id(call.param("sandboxId"));
  auto runner_of = [](const store::Row& row) { return row.opt_text(0); };
  TRY(auto found, db_.read([&](store::Reader& r) {
    return r.one("SELECT runner_id FROM sandboxes WHERE id = ? AND state <> 'destroyed'", runner_of, id);
  }));
  if (!found) return fail(Code::not_found, fmt::format("Sandbox with ID {} not found", id));
  if (!*found) return fail(Code::not_found, fmt::format("Sandbox with ID {} does not have a runner", id));
  TRY(auto runner, db_.read([&](store::Reader& r) { return find_runner(r, RunnerId(**found)); }));
  if (!runner) return fail(Code::not_found, "Runner not found");
  return dto(*runner);
}

Result<std::vector<contract::Runner>> Runners::of_organization(Call&) {
  return std::vector<contract::Runner>{};
}

Result<contract::Runner> Runners::one_of_organization(Call&) {
  return fail(Code::not_found, "Runner not found");
}

Result<std::vector<contract::RunnerFull>> Runners::all(Call&) {
  TRY(auto runners, db_.read([](store::Reader& r) { return list_runners(r); }));
  std::vector<contract::RunnerFull> out;
  for (const RunnerRecord& runner : runners) out.push_back(dto(runner));
  return out;
}

Task<Result<NoContent>> Runners::set_scheduling(Call& call, contract::RunnerScheduling body) {
  RunnerId id{std::string(call.param("id"))};
  auto done = co_await db_.write([id, body, now = clock_.wall()](store::Txn& txn) -> Status {
    TRY(auto runner, find_runner(txn, id));
    if (!runner) return fail(Code::not_found, "Runner not found");
    runner->unschedulable = body.unschedulable;
    runner->updated_at = now;
    return save_runner(txn, *runner);
  });
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return NoContent{};
}

Task<Result<NoContent>> Runners::healthcheck(Call& call, contract::RunnerHealthcheck body) {
  RunnerId id = call.who.runner;
  auto before = co_await db_.write(
      [id, body = std::move(body), now = clock_.wall()](store::Txn& txn) -> Result<std::string> {
        TRY(auto runner, find_runner(txn, id));
        if (!runner) return fail(Code::not_found, "Runner not found");
        std::string state = runner->state;
        apply(*runner, body, now);
        TRY_VOID(save_runner(txn, *runner));
        return state == runner->state ? std::string() : runner->state;
      });
  if (!before) co_return std::unexpected(std::move(before).error());
  if (!before->empty()) log::info("runner changed its state", {{"runner", id.str()}, {"state", *before}});
  co_return NoContent{};
}

}  // namespace dt::api
