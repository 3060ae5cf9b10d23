// /proxy/{port}/{path…}: requests to whatever listens on a port inside the sandbox, IPv4 or IPv6 (toolbox
// §20). Everything streams both ways; paths and queries go on byte for byte; WebSockets and other upgrades
// pass. Ports of the daemon itself are not sockets here: they are served in process. Loop thread only; quiet
// 30 s after the last request.
#pragma once
#include <map>

#include "libs/net/http_client.h"

namespace dt::daemon {

class PortProxy {
 public:
  PortProxy();
  // Requests for this port go to the handler, with the path below it as request.path and request.target. The
  // handler sees every method and a path that nobody has looked at.
  void serve_in_process(uint16_t port, Handler handler);
  // For paths with is_port_path().
  Task<Response> handle(Request& request);

 private:
  HttpClient client_;
  std::map<uint16_t, Handler> in_process_;
};

}  // namespace dt::daemon
