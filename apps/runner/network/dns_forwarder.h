// The resolver of the sandboxes: takes queries on the gateway address, UDP and TCP, and hands them to the
// host's resolvers. One thread of its own, started in the namespace of the caller. Every query goes out from
// a fresh socket (random port) under a random id, and only an answer with the same question comes back. All
// tables are bounded, per sandbox too.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/runner/network/ipv4.h"

namespace dt::runner {

struct DnsConfig {
  uint32_t listen = 0;
  uint16_t port = 53;                 // 53 taken: any free port, see port()
  Ipv4Range clients;                  // others are ignored
  std::vector<std::string> upstream;  // "10.0.0.2", "10.0.0.2:5353", "fd00::1"; empty: those of `resolv_conf`
  std::string resolv_conf = "/etc/resolv.conf";  // read again when it changes
  // Names that mean something to this client alone (lower case, no final dot); nullopt: ask upstream.
  std::function<std::optional<uint32_t>(uint32_t client, std::string_view name)> local;
  size_t max_queries = 1024, max_per_client = 64, max_connections = 128, max_connections_per_client = 8;
  int try_ms = 1500, give_up_ms = 5000, idle_ms = 10'000;
};

class DnsForwarder {
 public:
  static Result<std::unique_ptr<DnsForwarder>> start(DnsConfig config);
  ~DnsForwarder();
  uint16_t port() const;

 private:
  struct Impl;
  explicit DnsForwarder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::runner
