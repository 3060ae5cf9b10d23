// What this machine has and how busy it is, from /proc and statfs.
#pragma once
#include "apps/runner/sandboxes/sandboxes.h"
#include "libs/contract/runner.h"

namespace dt::runner {

class CapacityProbe {
 public:
  explicit CapacityProbe(std::string state_dir) : state_dir_(std::move(state_dir)) {}
  contract::RunnerMetrics sample(const Sandboxes::Totals& totals);  // CPU use is since the last call

 private:
  std::string state_dir_;
  uint64_t last_busy_ = 0, last_total_ = 0;
};

}  // namespace dt::runner
