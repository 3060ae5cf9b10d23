// Preview links, signed preview tokens, toolbox URL, and what the proxy asks to let a request in (contract
// api-sandbox §23).
#pragma once
#include <vector>

#include "apps/api/pipeline/route.h"
#include "apps/api/sandbox/service.h"

namespace dt::api {

class Preview {
 public:
  Preview(SandboxLedger& ledger, Sandboxes& sandboxes) : ledger_(ledger), sandboxes_(sandboxes) {}
  std::vector<ApiRoute> table();

 private:
  Result<contract::Url> toolbox_url(Call& call);
  Result<contract::PortPreviewUrl> url(Call& call);
  Task<Result<contract::SignedPortPreviewUrl>> signed_url(Call& call);
  Task<Result<NoContent>> expire(Call& call);
  // For the proxy.
  Result<PlainText> is_public(Call& call);
  Result<PlainText> validate(Call& call);
  Result<PlainText> access(Call& call);
  Result<PlainText> sandbox_of_token(Call& call);
  Result<SandboxRecord> visible(std::string_view id);

  SandboxLedger& ledger_;
  Sandboxes& sandboxes_;
};

}  // namespace dt::api
