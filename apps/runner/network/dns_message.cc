#include "apps/runner/network/dns_message.h"

namespace dt::runner {
namespace {

constexpr size_t kMaxName = 253, kMaxLabel = 63;
constexpr uint16_t kTypeA = 1, kClassIn = 1;
constexpr uint8_t kResponse = 0x80, kOpcode = 0x78, kServerFailure = 2, kRecursionAvailable = 0x80;

uint8_t byte_at(std::string_view message, size_t at) { return static_cast<uint8_t>(message[at]); }
uint16_t u16_at(std::string_view message, size_t at) {
  return static_cast<uint16_t>(byte_at(message, at) << 8 | byte_at(message, at + 1));
}

// A name without compression: a question has nothing before it to point to.
bool read_name(std::string_view message, size_t& at, std::string& name) {
  for (;;) {
    if (at >= message.size()) return false;
    size_t length = byte_at(message, at++);
    if (length == 0) return true;
    if (length > kMaxLabel || at + length > message.size() || name.size() + length + 1 > kMaxName + 1)
      return false;
    if (!name.empty()) name += '.';
    for (char c : message.substr(at, length)) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    at += length;
  }
}

std::optional<DnsQuestion> read_question(std::string_view message) {
  if (message.size() < kDnsHeader || u16_at(message, 4) != 1) return std::nullopt;
  DnsQuestion question;
  size_t at = kDnsHeader;
  if (!read_name(message, at, question.name) || at + 4 > message.size()) return std::nullopt;
  question.type = u16_at(message, at);
  question.dns_class = u16_at(message, at + 2);
  question.end = at + 4;
  return question;
}

}  // namespace

uint16_t dns_id(std::string_view message) { return u16_at(message, 0); }

void set_dns_id(std::string& message, uint16_t id) {
  message[0] = static_cast<char>(id >> 8);
  message[1] = static_cast<char>(id & 0xff);
}

std::optional<DnsQuestion> parse_query(std::string_view message) {
  if (message.size() < kDnsHeader || (byte_at(message, 2) & (kResponse | kOpcode))) return std::nullopt;
  if (u16_at(message, 6) != 0 || u16_at(message, 8) != 0) return std::nullopt;  // no answers, no authority
  return read_question(message);
}

bool answers(std::string_view response, const DnsQuestion& question) {
  if (response.size() < kDnsHeader || !(byte_at(response, 2) & kResponse)) return false;
  auto echoed = read_question(response);
  return echoed && *echoed == question;
}

std::string address_answer(std::string_view query, const DnsQuestion& question, uint32_t address) {
  std::string reply(query.substr(0, question.end));
  reply[2] = static_cast<char>(byte_at(query, 2) | kResponse);
  reply[3] = static_cast<char>(kRecursionAvailable);
  for (size_t at = 6; at < kDnsHeader; ++at) reply[at] = 0;
  if (question.type != kTypeA || question.dns_class != kClassIn) return reply;
  reply[7] = 1;
  // Name (a pointer to the question), type, class, 5 s to live, length, address (RFC 1035 4.1.3).
  const unsigned char record[] = {0xc0, kDnsHeader, 0, kTypeA, 0, kClassIn, 0, 0, 0, 5, 0, 4};
  reply.append(reinterpret_cast<const char*>(record), sizeof record);
  for (int shift = 24; shift >= 0; shift -= 8) reply += static_cast<char>(address >> shift & 0xff);
  return reply;
}

std::string server_failure(std::string_view query, const DnsQuestion& question) {
  std::string reply(query.substr(0, question.end));
  reply[2] = static_cast<char>(byte_at(query, 2) | kResponse);
  reply[3] = static_cast<char>(kRecursionAvailable | kServerFailure);
  for (size_t at = 6; at < kDnsHeader; ++at) reply[at] = 0;
  return reply;
}

}  // namespace dt::runner
