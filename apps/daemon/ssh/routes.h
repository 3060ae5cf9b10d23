// GET /ssh with `Upgrade: ssh`: after the 101 the connection speaks SSH, served by a process of its own
// (server/), which the daemon carries as bytes and starts from memory. Whoever gets here has been
// authenticated by the proxy or the gateway and the runner; there is no port and no password in the sandbox.
// Loop thread only.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apps/daemon/companion/companion.h"
#include "libs/net/router.h"

namespace dt::daemon {

class SshService {
 public:
  // Both must outlive it. The pool is used when the program is unpacked.
  SshService(ProcessContext& process, WorkerPool& pool);
  ~SshService();
  SshService(const SshService&) = delete;

  std::vector<Route> routes();
  // Ends all connections; their programs are hung up.
  void stop() const;

 private:
  Task<Response> upgrade(Request& request);
  Task<void> serve(Stream& stream, std::string early);
  Result<pid_t> start(const Fd& socket, const Companion::Program& program);

  ProcessContext& process_;
  Companion companion_;  // in memory while there are connections
  std::string seed_;     // of the host key; made with the first connection, kept as long as we run
  std::set<const Child*> connections_;
};

}  // namespace dt::daemon
