// The edge: /toolbox/{sandboxId}/{path} and preview hosts <port>-<sandboxId or signed token>.<base> go to the
// sandbox's runner, after the caller has shown a credential for that sandbox (runner-proxy-gateway §2).
// Bodies and WebSockets are streamed. The data path asks the API only when its small caches do not know:
// access, routing, the public flag. Activity is reported at most every 45 s per sandbox. Runs without
// privileges; one loop.
#pragma once
#include "libs/base/secret.h"
#include "libs/net/http.h"

namespace dt::proxy {

struct ProxyConfig {
  Endpoint listen;
  Endpoint api;                                           // where /api is served
  Secret api_key;                                         // proxy role
  HttpLimits http{.body_idle_timeout = Millis(600'000)};  // a paused download is not a broken one
  std::string local_runner_socket;                        // of the runner on this machine; empty: none
  Secret local_runner_key;
  bool secure_cookies = false;  // clients come over TLS
  Millis access_ttl{10'000};    // a credential that was valid: how long a deleted key still works here
  Millis refusal_ttl{2'000};    // and one that was not
  Millis route_ttl{10'000};     // which runner has the sandbox
  Millis public_ttl{3'000};
  Millis activity_interval{45'000};
  bool log_requests = false;
};

// Serves until cancelled. Called on a running loop.
Task<Status> run(ProxyConfig config, CancelSource cancel);

}  // namespace dt::proxy
