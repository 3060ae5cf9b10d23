// /git/*: each operation is done by a process of its own, daytona-git (program/), which the daemon carries
// and starts from memory; images need no git. Requests, credentials included, go to it on its standard input.
// Operations go on when their client goes away. Loop thread only.
#pragma once
#include <string>
#include <vector>

#include "apps/daemon/companion/companion.h"
#include "libs/net/router.h"

namespace dt::daemon {

class GitService {
 public:
  // Both must outlive it. The pool is used when the program is unpacked.
  GitService(ProcessContext& process, WorkerPool& pool);
  GitService(const GitService&) = delete;

  std::vector<Route> routes();

 private:
  struct Operation;
  // The members of the request are its body (for GET: of its query).
  Task<Response> serve(Request& request, const Operation& operation);

  Companion companion_;
};

}  // namespace dt::daemon
