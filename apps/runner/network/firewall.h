// The nftables table of one instance. The static rules cover every slot by the interface-name wildcard, so
// that a slot with the default policy needs no rule of its own; a policy is a chain "p<index>" reached
// through a verdict map by source address.
//
// An existing table (of an earlier runner) is brought up to date in one transaction without touching the
// policies in it: at no moment is a running sandbox without its policy. Thread-safe. No processes:
// libnftables speaks netlink.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/runner/network/ipv4.h"

namespace dt::runner {

struct FirewallConfig {
  std::string instance;
  Ipv4Range subnet;
  uint32_t gateway = 0;
  uint16_t dns_port = 53;          // where our resolver listens on the gateway address
  std::vector<Ipv4Range> denied;   // unless a policy names the range or a part of it
  uint32_t flows_per_slot = 8192;  // connections tracked for one sandbox at once
};

struct SlotRules {
  uint32_t index = 0;
  uint32_t address = 0;
  bool block_all = false;
  std::vector<Ipv4Range> allow;  // disjoint; empty: no restriction
};

class Firewall {
 public:
  static Result<std::unique_ptr<Firewall>> create(FirewallConfig config);
  ~Firewall();

  Status set_rules(const SlotRules& rules);              // replaces
  Status clear_rules(uint32_t index, uint32_t address);  // default policy; fine when there are none
  // Lets two addresses reach one another, or no more.
  Status link(uint32_t address, const std::vector<uint32_t>& others);
  Status unlink(uint32_t address, const std::vector<uint32_t>& others);
  // Slots that have rules left from an earlier runner.
  std::vector<uint32_t> slots_with_rules() const;
  Status remove_table();

 private:
  struct Impl;
  explicit Firewall(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// For tests and the golden file.
std::string base_ruleset(const FirewallConfig& config);
std::string slot_ruleset(const FirewallConfig& config, const SlotRules& rules);

}  // namespace dt::runner
