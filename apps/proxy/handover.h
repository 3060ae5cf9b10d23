// Connections to the daemons of this machine's runner, handed over by it as descriptors: requests then reach
// the sandbox without passing through the runner (docs/adr/010). They are pooled per sandbox like any others;
// when a sandbox stops, its daemon ends and so do they.
#pragma once
#include "apps/proxy/directory.h"
#include "libs/base/secret.h"
#include "libs/net/http_client.h"

namespace dt::proxy {

class Handover {
 public:
  // `socket`: the runner's Unix socket; empty: there is no runner on this machine.
  Handover(std::string socket, Secret runner_key);

  // Whether requests for the sandbox can go straight to its daemon. False is no failure: the runner serves
  // them over HTTP, and says what is wrong if something is.
  Task<bool> reach(const CallContext& ctx, const RunnerAddress& runner, const std::string& sandbox);
  HttpClient& client() { return daemons_; }
  static Endpoint daemon_of(const std::string& sandbox);  // for client() only

 private:
  Task<Result<Stream>> connect(std::string sandbox, Mono deadline);
  std::string socket_;
  Secret key_;
  HttpClient runner_, daemons_;
};

}  // namespace dt::proxy
