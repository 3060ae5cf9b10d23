// The daemon's side of computer use: requests below /computeruse/{display,screenshot,mouse,keyboard} and
// /a11y go to a process of daytona-desktop (program/), one for X11, one for accessibility, started with the
// first request and again after it died, ended when nobody asked for some minutes. Bodies stream. Loop thread
// only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/companion/companion.h"
#include "libs/net/http_client.h"
#include "libs/net/router.h"

namespace dt::daemon {

class DesktopCompanions {
 public:
  // Both must outlive it. The pool is used when the program is unpacked. A companion that had no request for
  // `idle` ends.
  DesktopCompanions(ProcessContext& process, WorkerPool& pool, Millis idle);
  ~DesktopCompanions();
  DesktopCompanions(const DesktopCompanions&) = delete;

  std::vector<Route> routes();

  // Variables of the desktop beside the sandbox's own (DISPLAY, DBUS_SESSION_BUS_ADDRESS). When they differ
  // from those of before, the next request gets a companion that has them; requests that run are finished.
  using Variables = std::map<std::string, std::string>;
  void set_variables(Variables variables);

  // Ends the companions; they finish what they do.
  void stop();

 private:
  class Process;
  struct Mode;
  Task<Response> serve(Mode& mode, Request& request);
  Task<Result<std::shared_ptr<Process>>> running(Mode& mode);
  Task<Result<std::shared_ptr<Process>>> connected(Mode& mode, const CallContext& ctx);
  Variables variables() const;
  Task<void> watch(Mode& mode, std::shared_ptr<Process> process);

  ProcessContext& process_;
  Companion companion_;
  Millis idle_;
  Variables variables_;
  std::vector<std::unique_ptr<Mode>> modes_;
  TaskScope scope_{"desktop companions"};
};

}  // namespace dt::daemon
