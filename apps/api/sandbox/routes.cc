#include "apps/api/sandbox/routes.h"

#include <fmt/core.h>

#include <algorithm>

#include "apps/api/organizations/store.h"
#include "apps/api/pipeline/query.h"
#include "apps/api/sandbox/dto.h"

namespace dt::api {
namespace {

constexpr Access kWrite = user_with(Permission::write_sandboxes);
constexpr Access kDelete = user_with(Permission::delete_sandboxes);
constexpr Access kRunner = only({Role::runner});
constexpr Access kAnyRouter = only({Role::user, Role::admin, Role::proxy, Role::ssh_gateway});

std::string target_of(const Call& call) { return std::string(call.param("sandboxIdOrName")); }

Result<int64_t> interval_of(const Call& call) {
  auto value = parse_int(call.param("interval"));
  if (!value) return fail(Code::bad_request, "Validation failed (numeric string is expected)");
  return *value;
}

// The wanted states of GET /sandbox/for-runner: only those that are a goal can be asked for.
Result<std::vector<SandboxState>> states_of(const Query& query) {
  std::vector<SandboxState> states;
  auto text = query.get("states");
  if (!text || text->empty()) return states;
  for (std::string_view item : split(*text, ',')) {
    auto state = parse_sandbox_state(item);
    if (!state) return fail(Code::bad_request, fmt::format("Invalid sandbox state: {}", item));
    if (!parse_desired_state(item))
      return fail(Code::bad_request,
                  fmt::format("State {} does not have a corresponding desired state", item));
    states.push_back(*state);
  }
  return states;
}

}  // namespace

std::vector<ApiRoute> SandboxRoutes::table() {
  using R = SandboxRoutes;
  return {
      route({"GET", "/sandbox", any_user}, this, &R::list),
      route({"GET", "/sandbox/paginated", any_user}, this, &R::paginated),
      route({"GET", "/sandbox/for-runner", kRunner}, this, &R::for_runner),
      route({"POST", "/sandbox", kWrite}, this, &R::create),
      route({"GET", "/sandbox/{sandboxIdOrName}", kAnyRouter}, this, &R::get),
      route({"DELETE", "/sandbox/{sandboxIdOrName}", kDelete}, this, &R::remove),
      route({"POST", "/sandbox/{sandboxIdOrName}/start", kWrite}, this, &R::start),
      route({"POST", "/sandbox/{sandboxIdOrName}/stop", kWrite}, this, &R::stop),
      route({"PUT", "/sandbox/{sandboxIdOrName}/labels", kWrite}, this, &R::labels),
      route({"POST", "/sandbox/{sandboxIdOrName}/public/{isPublic}", kWrite}, this, &R::set_public),
      route({"POST", "/sandbox/{sandboxIdOrName}/autostop/{interval}", kWrite}, this, &R::auto_stop),
      route({"POST", "/sandbox/{sandboxIdOrName}/autopause/{interval}", kWrite}, this, &R::auto_pause),
      route({"POST", "/sandbox/{sandboxIdOrName}/autoarchive/{interval}", kWrite}, this, &R::auto_archive),
      route({"POST", "/sandbox/{sandboxIdOrName}/autodelete/{interval}", kWrite}, this, &R::auto_delete),
      route({"POST", "/sandbox/{sandboxIdOrName}/ttl/{interval}", kWrite}, this, &R::ttl),
      route({"POST", "/sandbox/{sandboxIdOrName}/network-settings", kWrite}, this, &R::network),
      route({"POST", "/sandbox/{sandboxIdOrName}/last-activity", kAnyRouter, 201}, this, &R::activity),
      route({"GET", "/sandbox/{sandboxIdOrName}/build-logs-url", any_user}, this, &R::no_build_logs),
      route({"GET", "/sandbox/{sandboxIdOrName}/organization", only({Role::proxy})}, this, &R::organization),
      route({"PUT", "/sandbox/{sandboxIdOrName}/state", kRunner}, this, &R::report),
  };
}

SandboxRoutes::One SandboxRoutes::answer(Task<Result<SandboxRecord>> task) {
  auto record = co_await std::move(task);
  if (!record) co_return std::unexpected(std::move(record).error());
  co_return to_dto(*record, ledger_.settings());
}

SandboxRoutes::One SandboxRoutes::edit(Call& call, Sandboxes::Edit edit) {
  return answer(sandboxes_.edit(call.who.organization, target_of(call), std::move(edit)));
}

SandboxRoutes::One SandboxRoutes::create(Call& call, contract::CreateSandbox body) {
  return answer(sandboxes_.create(call.who.organization, std::move(body)));
}

SandboxRoutes::One SandboxRoutes::start(Call& call) {
  return answer(sandboxes_.start(call.who.organization, target_of(call)));
}

SandboxRoutes::One SandboxRoutes::stop(Call& call) {
  bool force = query_bool(call.request.query, "force").value_or(false);
  return answer(sandboxes_.stop(call.who.organization, target_of(call), force));
}

SandboxRoutes::One SandboxRoutes::remove(Call& call) {
  return answer(sandboxes_.remove(call.who.organization, target_of(call)));
}

// The hot read: by id it is a look-up in memory and a copy of text.
Result<Response> SandboxRoutes::get(Call& call) {
  SandboxId id{target_of(call)};
  TRY(auto encoded, ledger_.encoded(id));
  if (encoded && (!call.who.is_user() || encoded->organization == call.who.organization))
    return json_response(200, encoded->json);
  if (!call.who.is_user()) return sandbox_not_found(id.str());
  TRY(SandboxRecord record, sandboxes_.find(call.who.organization, id.str()));
  return json_response(200, encode(to_dto(record, ledger_.settings())));
}

Result<contract::SandboxList> SandboxRoutes::list(Call& call) {
  TRY(CursorQuery query, parse_cursor_query(call.request.query, call.who.organization));
  TRY(CursorRows rows, sandboxes_.list(query));
  contract::SandboxList out;
  out.items.reserve(rows.items.size());
  for (const SandboxRecord& record : rows.items)
    out.items.push_back(to_list_item(record, ledger_.settings()));
  out.nextCursor = std::move(rows.next_cursor);
  return out;
}

Result<contract::PaginatedSandboxes> SandboxRoutes::paginated(Call& call) {
  TRY(PageQuery query, parse_page_query(call.request.query, call.who.organization));
  TRY(PageRows rows, sandboxes_.list(query));
  contract::PaginatedSandboxes out;
  for (const SandboxRecord& record : rows.items) out.items.push_back(to_dto(record, ledger_.settings()));
  out.total = rows.total;
  out.page = query.page;
  out.totalPages = (rows.total + query.limit - 1) / query.limit;
  return out;
}

SandboxRoutes::One SandboxRoutes::labels(Call& call, contract::ReplaceLabels body) {
  return edit(call, [labels = contract::string_values(body.labels)](SandboxRecord& record, Wall) -> Status {
    record.labels = labels;
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::set_public(Call& call) {
  bool is_public = call.param("isPublic") == "true";
  return edit(call, [is_public](SandboxRecord& record, Wall) -> Status {
    record.is_public = is_public;
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::auto_stop(Call& call) {
  return edit(call, [minutes = interval_of(call)](SandboxRecord& record, Wall) -> Status {
    TRY(record.auto_stop, minutes);
    if (record.auto_stop < 0) return fail(Code::bad_request, "Auto-stop interval must be non-negative");
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::auto_pause(Call& call) {
  return edit(call, [minutes = interval_of(call)](SandboxRecord& record, Wall) -> Status {
    TRY(record.auto_pause, minutes);
    if (record.auto_pause < 0) return fail(Code::bad_request, "Auto-pause interval must be non-negative");
    if (record.auto_pause > 0)
      return fail(Code::bad_request, "Auto-pause is not supported for sandboxes of class container");
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::auto_archive(Call& call) {
  return edit(call,
              [minutes = interval_of(call), most = ledger_.settings().max_auto_archive](SandboxRecord& record,
                                                                                        Wall) -> Status {
                TRY(int64_t wanted, minutes);
                if (wanted < 0) return fail(Code::bad_request, "Auto-archive interval must be non-negative");
                record.auto_archive = wanted == 0 ? most : std::min(wanted, most);
                return {};
              });
}

SandboxRoutes::One SandboxRoutes::auto_delete(Call& call) {
  return edit(call, [minutes = interval_of(call)](SandboxRecord& record, Wall) -> Status {
    TRY(record.auto_delete, minutes);
    if (record.gpu > 0 && record.auto_delete != 0)
      return fail(Code::bad_request, "GPU sandboxes must remain ephemeral");
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::ttl(Call& call) {
  return edit(call, [minutes = interval_of(call)](SandboxRecord& record, Wall now) -> Status {
    TRY(int64_t wanted, minutes);
    if (wanted < 0) return fail(Code::bad_request, "ttlMinutes must not be less than 0");
    record.auto_destroy_at.reset();
    if (wanted > 0)
      record.auto_destroy_at = now + std::chrono::minutes(std::min<int64_t>(wanted, 1'000'000'000));
    return {};
  });
}

SandboxRoutes::One SandboxRoutes::network(Call& call) {
  return answer(sandboxes_.update_network(call.who.organization, target_of(call), call.json));
}

Result<NoContent> SandboxRoutes::activity(Call& call) {
  SandboxId id{target_of(call)};
  if (call.who.is_user()) {
    TRY(auto encoded, ledger_.encoded(id));
    if (!encoded || encoded->organization != call.who.organization) return sandbox_not_found(id.str());
  }
  sandboxes_.note_activity(id);
  return NoContent{};
}

Result<NoContent> SandboxRoutes::no_build_logs(Call& call) {
  TRY(SandboxRecord record, sandboxes_.find(call.who.organization, target_of(call)));
  return fail(Code::not_found, fmt::format("Sandbox {} has no build info", target_of(call)));
}

Result<contract::Organization> SandboxRoutes::organization(Call& call) {
  std::string id = target_of(call);
  auto missing = [&] {
    return fail(Code::not_found, fmt::format("Organization with sandbox ID {} not found", id));
  };
  TRY(auto encoded, ledger_.encoded(SandboxId(id)));
  if (!encoded) return missing();
  TRY(auto record,
      ledger_.db().read([&](store::Reader& r) { return find_organization(r, encoded->organization); }));
  if (!record) return missing();
  return to_dto(*record);
}

Result<std::vector<contract::Sandbox>> SandboxRoutes::for_runner(Call& call) {
  TRY(auto states, states_of(call.request.query));
  bool settled_only = query_bool(call.request.query, "skipReconcilingSandboxes").value_or(false);
  TRY(auto records, sandboxes_.of_runner(call.who.runner));
  std::vector<contract::Sandbox> out;
  for (const SandboxRecord& record : records) {
    if (!states.empty() && std::ranges::find(states, record.state) == states.end()) continue;
    if (settled_only && to_string(record.state) != to_string(record.desired)) continue;
    out.push_back(to_dto(record, ledger_.settings()));
  }
  return out;
}

Task<Result<NoContent>> SandboxRoutes::report(Call& call, contract::UpdateSandboxState body) {
  auto done = co_await sandboxes_.report(call.who.runner, SandboxId(target_of(call)), std::move(body));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return NoContent{};
}

}  // namespace dt::api
