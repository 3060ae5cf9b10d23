// Makes the namespace, the veth pair, the addresses and the routes of one slot. Used by one thread, which is
// in the host's network namespace before and after every call.
#pragma once
#include <cstdint>
#include <string>

#include "apps/runner/network/netlink.h"

namespace dt::runner {

class SlotMaker {
 public:
  // In the calling thread's network namespace, which counts as the host's.
  static Result<SlotMaker> create(uint32_t gateway);

  // A slot that fails half-way leaves nothing: its interface goes with its namespace.
  Result<Fd> make(const std::string& host_interface, uint32_t index, uint32_t address);
  bool interface_exists(const std::string& name) const { return host_.index_of(name).has_value(); }
  Status delete_interface(const std::string& name);  // absent is fine
  // The interface that holds the gateway address (and our resolver); made unless it is there.
  Status make_gateway(const std::string& name);

 private:
  Result<Fd> sysctls();  // directory of the calling thread's namespace
  Netlink host_;
  Fd host_netns_;
  uint32_t gateway_ = 0;
  Fd proc_;  // replaced now and then
  int proc_uses_ = 0;
};

}  // namespace dt::runner
