// What every request passes: request id, routing, the handler, the access log. Owned by the daemon, loop
// thread only.
#pragma once
#include <vector>

#include "libs/net/router.h"

namespace dt::daemon {

// What is below belongs to programs in the sandbox and is not routed here.
inline constexpr std::string_view kPortsPrefix = "/proxy/";

class Pipeline {
 public:
  // `ports` gets what is below kPortsPrefix as it came.
  Pipeline(std::vector<Route> routes, Handler ports) : router_(std::move(routes)), ports_(std::move(ports)) {}
  Task<Response> handle(Request& request);
  Task<Response> route(Request& request);  // without log and request id

 private:
  Router router_;
  Handler ports_;
};

}  // namespace dt::daemon
