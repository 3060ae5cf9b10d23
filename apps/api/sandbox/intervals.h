// The clockwork: auto-stop, auto-delete, TTL, removal of dead records (contract api-sandbox §6.6, §9). Every
// record carries the next moment at which a rule must look at it; this sleeps until the earliest one. Loop
// thread only.
#pragma once
#include <optional>

#include "apps/api/sandbox/activity.h"

namespace dt::api {

class Intervals {
 public:
  Intervals(SandboxLedger& ledger, Activity& activity) : ledger_(ledger), activity_(activity) {}
  // Until cancelled. Also writes the noted activity.
  Task<void> run(CancelSource cancel);
  // Everything that is due by the clock. run() calls it; tests that move the clock call it themselves.
  Task<Status> tick();
  // A record will be due then.
  void look_at(Wall due);

 private:
  Millis until_next() const;
  SandboxLedger& ledger_;
  Activity& activity_;
  std::optional<Wall> earliest_;
  Event changed_;
};

}  // namespace dt::api
