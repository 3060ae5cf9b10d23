// Network slots: a network namespace with one veth pair, an address and a route, made before it is needed.
// The host side is routed (no bridge); one nftables table per instance, with sets and maps keyed by slot,
// enforces source addresses, the isolation between sandboxes, what of the host may be reached (DNS only) and
// NAT. In force before a slot is handed out.
//
// A slot's namespace is owned by the host's user namespace: root inside a sandbox has no CAP_NET_ADMIN over
// it. It lives as long as a process or `netns` holds it, so a runner that dies leaves nothing behind but
// slots in use by living sandboxes. Thread-safe. Errors: unavailable when addresses or kernel features are
// missing, with the remedy.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/fd.h"

namespace dt::runner {

struct NetworkConfig {
  // Interfaces "dtn-12", nft table "daytona_<instance>"; 1 to 6 characters a-z 0-9, a letter first.
  std::string instance = "dtn";
  std::string subnet = "10.207.0.0/16";  // one address per slot
  size_t ready_slots = 32;               // made beforehand
  std::vector<std::string> dns;          // upstream resolvers; empty: those of the host's /etc/resolv.conf
  // Destinations reached only when a policy names them (IPv4 CIDR); empty: the private ranges. Link-local,
  // loopback, multicast and the subnet itself are never reached.
  std::vector<std::string> denied;
};

struct NetworkPolicy {
  bool block_all = false;
  std::vector<std::string> allow;  // IPv4/IPv6 CIDR; empty: everything that is not denied
};

struct NetworkSlot {
  uint32_t index = 0;
  std::string host_interface;
  std::string address;  // of the sandbox, e.g. 10.207.0.5
  std::string gateway;  // also the resolver's address as seen from inside
  Fd netns;
};

class Network {
 public:
  static Result<std::unique_ptr<Network>> create(NetworkConfig config);
  ~Network();

  // A ready slot if there is one, else one made now. The default policy (allow) is in force.
  Result<NetworkSlot> take();
  // The sandbox of this slot is gone (its namespace with it): forget its policy; the number is used again
  // when its host interface has disappeared.
  void release(uint32_t index);
  // After a restart: the slot is in use by a living sandbox (`netns` from its init process).
  Status adopt(uint32_t index, const NetworkPolicy& policy);
  // This slot and the others of its group reach one another, by these names too, until release().
  Status join(uint32_t index, const std::string& group, const std::vector<std::string>& names);
  Status set_policy(uint32_t index, const NetworkPolicy& policy);
  std::string address_of(uint32_t index) const;
  // For `down` and tests: removes table, free slots and their interfaces.
  Status destroy_all();
  std::string resolv_conf() const;  // content of /etc/resolv.conf inside

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
