// What can be asked of sandboxes (contract api-sandbox §3, §5, §8). Loop thread only.
#pragma once
#include <string>

#include "apps/api/auth/principal.h"
#include "apps/api/sandbox/activity.h"
#include "apps/api/sandbox/ledger.h"
#include "apps/api/sandbox/list_query.h"

namespace dt::api {

class Sandboxes {
 public:
  Sandboxes(SandboxLedger& ledger, Activity& activity) : ledger_(ledger), activity_(activity) {}

  // Answers when the sandbox runs, after SandboxSettings::start_wait at the latest.
  Task<Result<SandboxRecord>> create(OrganizationId organization, contract::CreateSandbox body);
  Task<Result<SandboxRecord>> start(OrganizationId organization, std::string id_or_name);
  Task<Result<SandboxRecord>> stop(OrganizationId organization, std::string id_or_name, bool force);
  Task<Result<SandboxRecord>> remove(OrganizationId organization, std::string id_or_name);
  // Changes settings of a record, in any state. Fn: Status(SandboxRecord&, Wall now).
  using Edit = std::function<Status(SandboxRecord&, Wall now)>;
  Task<Result<SandboxRecord>> edit(OrganizationId organization, std::string id_or_name, Edit edit);
  Task<Result<SandboxRecord>> update_network(OrganizationId organization, std::string id_or_name,
                                             codec::bj::value body);
  // What a runner says about a sandbox of its own.
  Task<Status> report(RunnerId runner, SandboxId id, contract::UpdateSandboxState body);

  Result<SandboxRecord> find(const OrganizationId& organization, std::string_view id_or_name);
  Result<CursorRows> list(const CursorQuery& query);
  Result<PageRows> list(const PageQuery& query);
  Result<std::vector<SandboxRecord>> of_runner(const RunnerId& runner);
  void note_activity(const SandboxId& id) { activity_.note(id); }

 private:
  Task<Result<SandboxRecord>> when_started(SandboxRecord record);

  SandboxLedger& ledger_;
  Activity& activity_;
};

}  // namespace dt::api
