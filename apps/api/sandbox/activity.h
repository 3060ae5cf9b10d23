// Last activity of sandboxes: noted in memory, written in batches, only forward in time (contract api-sandbox
// §23.4).
#pragma once
#include <unordered_map>

#include "apps/api/sandbox/ledger.h"

namespace dt::api {

class Activity {
 public:
  explicit Activity(SandboxLedger& ledger) : ledger_(ledger) {}
  void note(const SandboxId& id);
  bool empty() const { return noted_.empty(); }
  // One transaction for all that was noted since the last call.
  Task<Status> flush();

 private:
  SandboxLedger& ledger_;
  std::unordered_map<SandboxId, Wall> noted_;
};

}  // namespace dt::api
