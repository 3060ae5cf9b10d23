// What every request passes: request id, routing, the handler, the access log. Owned by the daemon, loop
// thread only.
#pragma once
#include <vector>

#include "libs/net/router.h"

namespace dt::daemon {

class Pipeline {
 public:
  explicit Pipeline(std::vector<Route> routes) : router_(std::move(routes)) {}
  Task<Response> handle(Request& request);

 private:
  Task<Response> route(Request& request);
  Router router_;
};

}  // namespace dt::daemon
