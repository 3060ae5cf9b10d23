#include "apps/runner/network/ipv4.h"

#include <arpa/inet.h>

#include <algorithm>

#include "libs/base/text.h"

namespace dt::runner {
namespace {

bool is_ipv6_range(std::string_view text) {
  size_t slash = text.find('/');
  in6_addr address{};
  if (inet_pton(AF_INET6, std::string(text.substr(0, slash)).c_str(), &address) != 1) return false;
  if (slash == text.npos) return true;
  auto prefix = parse_int(text.substr(slash + 1));
  return prefix && *prefix >= 0 && *prefix <= 128;
}

}  // namespace

std::string ipv4_text(uint32_t address) {
  in_addr in{htonl(address)};
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &in, text, sizeof text);
}

std::string Ipv4Range::str() const { return ipv4_text(base) + "/" + std::to_string(prefix); }

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  in_addr in{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &in) != 1) return std::nullopt;
  return ntohl(in.s_addr);
}

Result<Ipv4Range> parse_range(std::string_view text) {
  size_t slash = text.find('/');
  auto address = parse_ipv4(text.substr(0, slash));
  std::optional<int64_t> prefix = 32;
  if (slash != text.npos) prefix = parse_int(text.substr(slash + 1));
  if (!address || !prefix || *prefix < 0 || *prefix > 32)
    return fail(Code::bad_request, "not an IPv4 address range: " + std::string(text.substr(0, 64)));
  Ipv4Range range{*address, static_cast<int>(*prefix)};
  range.base &= range.mask();
  return range;
}

std::vector<Ipv4Range> without_nested(std::vector<Ipv4Range> ranges) {
  std::ranges::sort(ranges, {}, [](const Ipv4Range& r) { return std::pair(r.prefix, r.base); });
  std::vector<Ipv4Range> kept;
  for (const auto& range : ranges)
    if (std::ranges::none_of(kept, [&](const Ipv4Range& k) { return k.contains(range); }))
      kept.push_back(range);
  return kept;
}

Result<std::vector<Ipv4Range>> parse_ranges(const std::vector<std::string>& texts) {
  std::vector<Ipv4Range> ranges;
  for (const auto& text : texts) {
    if (is_ipv6_range(trim(text))) continue;
    TRY(auto range, parse_range(trim(text)));
    ranges.push_back(range);
  }
  return without_nested(std::move(ranges));
}

}  // namespace dt::runner
