// Route netlink: a batch of requests written into one buffer, sent with one system call, every answer
// checked. A socket belongs to the network namespace in which it was made, whatever the thread does later.
// Not thread-safe.
#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/fd.h"

namespace dt::runner {

class NetlinkBatch {
 public:
  // Starts a request; `what` names it in errors.
  template <class Payload>
  void begin(uint16_t type, uint16_t flags, const Payload& payload, std::string what) {
    begin_raw(type, flags, &payload, sizeof payload, std::move(what));
  }
  void attr(uint16_t type, const void* data, size_t size);
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void attr(uint16_t type, const T& value) {
    attr(type, &value, sizeof value);
  }
  void attr_text(uint16_t type, std::string_view text);  // with its terminating zero
  size_t nest(uint16_t type);
  void end_nest(size_t at);
  void raw(const void* data, size_t size);  // inside a nest

  std::string take();  // finished bytes
  const std::vector<std::string>& names() const { return names_; }

 private:
  void begin_raw(uint16_t type, uint16_t flags, const void* payload, size_t size, std::string what);
  void finish();
  void pad();
  std::string bytes_;
  size_t current_ = std::string::npos;
  std::vector<std::string> names_;
};

class Netlink {
 public:
  static Result<Netlink> open();  // in the calling thread's namespace
  // Sends all; the first failure is returned with the name of its request (the later ones were tried
  // nevertheless).
  Status run(NetlinkBatch batch);
  Result<int> index_of(const std::string& name) const;  // not_found
  // A carrier that just came up transmits only once the kernel's link watch has run, up to a second later:
  // until then packets are dropped. Asking for the link state makes it run now.
  void settle(const std::string& name) const;
  Result<Fd> netns() const;  // of this socket

 private:
  Fd fd_;
};

// Requests used here.
using Mac = std::array<uint8_t, 6>;
struct VethSpec {
  std::string name, peer;
  Mac mac, peer_mac;
  int peer_netns = -1;
};
void add_veth(NetlinkBatch& batch, const VethSpec& spec);
void add_link(NetlinkBatch& batch, const std::string& name, const char* kind);
void delete_link(NetlinkBatch& batch, int index);
void set_up(NetlinkBatch& batch, int index);
void add_address(NetlinkBatch& batch, int index, uint32_t address, int prefix = 32);
void add_neighbour(NetlinkBatch& batch, int index, uint32_t address,
                   const Mac& mac);  // permanent: no ARP needed
struct RouteSpec {
  uint32_t to = 0;
  int prefix = 32;
  int index = 0;
  uint32_t gateway = 0;  // 0: directly on the link
  uint32_t source = 0;   // preferred source address
};
void add_route(NetlinkBatch& batch, const RouteSpec& spec);

}  // namespace dt::runner
