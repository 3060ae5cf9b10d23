// The little of DNS that a forwarder must understand: enough to tell a query from garbage and to match an
// answer to it. Bytes come from sandboxes and from the network; nothing here trusts a length.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dt::runner {

constexpr size_t kDnsHeader = 12;
constexpr size_t kMaxUdpQuery = 4096;

struct DnsQuestion {
  std::string
      name;  // lower case, dotted, without the final dot; bytes outside a-z 0-9 - _ are kept as they are
  uint16_t type = 0;
  uint16_t dns_class = 0;
  size_t end = 0;  // offset behind the question
  bool operator==(const DnsQuestion& o) const {
    return name == o.name && type == o.type && dns_class == o.dns_class;
  }
};

uint16_t dns_id(std::string_view message);
void set_dns_id(std::string& message, uint16_t id);
// A standard query with exactly one well-formed question; nullopt for everything else.
std::optional<DnsQuestion> parse_query(std::string_view message);
// A response with exactly that question.
bool answers(std::string_view response, const DnsQuestion& question);
// The one address of a name, short-lived; for questions of other types "no data".
std::string address_answer(std::string_view query, const DnsQuestion& question, uint32_t address);
// The answer "server failure" for a query that parse_query accepted.
std::string server_failure(std::string_view query, const DnsQuestion& question);

}  // namespace dt::runner
