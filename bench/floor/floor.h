// The floor program: everything that isolation asks for, and nothing else, in one small process: own user
// namespace and id range, id-mapped lower layer, overlay, all namespaces, /proc, pivot_root, `sh -c true`,
// wait. No cgroups, limits, filter, /dev or /sys.
#pragma once
#include <cstdint>
#include <string>

#include "libs/base/error.h"

namespace dt::bench {

struct FloorSpec {
  std::string rootfs, upper, work;  // upper and work exist and are empty
  uint32_t id_range = 0;
};
// Runs it once; milliseconds from the first system call to the reaped child.
Result<double> run_floor(const FloorSpec& spec);

}  // namespace dt::bench
