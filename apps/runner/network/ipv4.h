// IPv4 addresses and ranges, in host byte order.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::runner {

struct Ipv4Range {
  uint32_t base = 0;  // host bits are zero
  int prefix = 32;

  uint32_t mask() const { return prefix == 0 ? 0 : ~0u << (32 - prefix); }
  bool contains(uint32_t address) const { return (address & mask()) == base; }
  bool contains(const Ipv4Range& other) const { return prefix <= other.prefix && contains(other.base); }
  std::string str() const;  // "10.0.0.0/8"
  bool operator==(const Ipv4Range&) const = default;
};

std::string ipv4_text(uint32_t address);
std::optional<uint32_t> parse_ipv4(std::string_view text);
// "10.1.2.3" (one address) or "10.0.0.0/8"; host bits are cleared. bad_request otherwise.
Result<Ipv4Range> parse_range(std::string_view text);
// The same for lists; IPv6 ranges are accepted and left out (sandboxes have no IPv6). Ranges inside others
// are dropped, so that the result is disjoint.
Result<std::vector<Ipv4Range>> parse_ranges(const std::vector<std::string>& texts);
std::vector<Ipv4Range> without_nested(std::vector<Ipv4Range> ranges);

}  // namespace dt::runner
