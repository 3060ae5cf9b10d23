// The runner's HTTP server: /sandboxes/{id}/toolbox/{path} goes to the daemon's Unix socket, streamed both
// ways. Callers prove themselves with the runner's key; nothing else is served but /health and, to callers of
// this machine (they come through a Unix socket), /sandboxes/{id}/connection: a connection to the daemon,
// as a descriptor (docs/adr/010).
#pragma once
#include "apps/runner/sandboxes/sandboxes.h"
#include "libs/base/secret.h"
#include "libs/net/http_client.h"
#include "libs/net/router.h"

namespace dt::runner {

struct ToolboxTarget {
  std::string id;
  std::string rest;  // with the query, as received
};

class ToolboxServer {
 public:
  ToolboxServer(Sandboxes& sandboxes, Secret runner_key);
  Task<Response> handle(Request& request);

 private:
  Task<Response> to_daemon(Request& request, ToolboxTarget target);
  Task<Response> hand_over(Request& request);
  bool authorized(const Request& request) const;
  Sandboxes& sandboxes_;
  Secret key_;
  HttpClient client_;
  Router router_;
};

}  // namespace dt::runner
