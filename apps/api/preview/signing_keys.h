// The keys of signed file URLs (contract clients §11.6), one per sandbox. Clients sign with them, the proxy
// verifies. A key is made when somebody first asks for it and lives until it is rotated or its sandbox is
// gone.
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/sandbox/service.h"

namespace dt::api {

class SigningKeys {
 public:
  SigningKeys(SandboxLedger& ledger, Sandboxes& sandboxes) : ledger_(ledger), sandboxes_(sandboxes) {}
  std::vector<ApiRoute> table();

 private:
  using Answer = Task<Result<PlainText>>;
  Answer get(Call& call);
  Answer rotate(Call& call);
  Answer for_proxy(Call& call);
  Answer key_of(SandboxId id);

  SandboxLedger& ledger_;
  Sandboxes& sandboxes_;
};

}  // namespace dt::api
