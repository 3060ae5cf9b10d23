// Routes of /sandbox. Previews are in apps/api/preview.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/sandbox/service.h"
#include "libs/contract/platform.h"

namespace dt::api {

class SandboxRoutes {
 public:
  SandboxRoutes(SandboxLedger& ledger, Sandboxes& sandboxes) : ledger_(ledger), sandboxes_(sandboxes) {}
  std::vector<ApiRoute> table();

 private:
  using One = Task<Result<contract::Sandbox>>;
  Result<contract::SandboxList> list(Call& call);
  Result<contract::PaginatedSandboxes> paginated(Call& call);
  Result<Response> get(Call& call);
  One create(Call& call, contract::CreateSandbox body);
  One start(Call& call);
  One stop(Call& call);
  One remove(Call& call);
  One labels(Call& call, contract::ReplaceLabels body);
  One set_public(Call& call);
  One auto_stop(Call& call);
  One auto_pause(Call& call);
  One auto_archive(Call& call);
  One auto_delete(Call& call);
  One ttl(Call& call);
  One network(Call& call);
  Result<NoContent> activity(Call& call);
  Result<NoContent> no_build_logs(Call& call);
  // For the proxy.
  Result<contract::Organization> organization(Call& call);
  // For runners.
  Result<std::vector<contract::Sandbox>> for_runner(Call& call);
  Task<Result<NoContent>> report(Call& call, contract::UpdateSandboxState body);

  One edit(Call& call, Sandboxes::Edit edit);
  One answer(Task<Result<SandboxRecord>> task);

  SandboxLedger& ledger_;
  Sandboxes& sandboxes_;
};

}  // namespace dt::api
