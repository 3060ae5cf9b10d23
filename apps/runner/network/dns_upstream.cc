#include "apps/runner/network/dns_upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::runner {
namespace {

constexpr size_t kMost = 4;

template <class Address>
Upstream make(const Address& address) {
  Upstream upstream;
  memcpy(&upstream.address, &address, sizeof address);
  upstream.size = sizeof address;
  return upstream;
}

}  // namespace

Result<Upstream> parse_upstream(std::string_view text) {
  auto bad = [&] { return fail(Code::bad_request, "not a resolver address: " + std::string(text)); };
  std::string host(text);
  int64_t port = 53;
  size_t bracket = text.find(']'), colon = text.rfind(':');
  bool has_port = bracket != text.npos ? colon == bracket + 1 : colon != text.npos && text.find(':') == colon;
  if (has_port) {
    auto number = parse_int(text.substr(colon + 1));
    if (!number || *number < 1 || *number > 65535) return bad();
    port = *number;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  host = host.substr(0, host.find('%'));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return make(v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) return make(v6);
  return bad();
}

std::vector<std::string> nameservers_of(std::string_view resolv_conf) {
  std::vector<std::string> servers;
  for (auto line : split(resolv_conf, '\n')) {
    line = trim(line.substr(0, line.find_first_of("#;")));
    if (line.starts_with("nameserver") && line.size() > 10 && (line[10] == ' ' || line[10] == '\t'))
      servers.emplace_back(trim(line.substr(10)));
  }
  return servers;
}

Result<Upstreams> Upstreams::create(const std::vector<std::string>& fixed, std::string resolv_conf) {
  Upstreams upstreams;
  for (const auto& text : fixed) {
    TRY(auto one, parse_upstream(text));
    upstreams.list_.push_back(one);
  }
  if (fixed.empty()) upstreams.path_ = std::move(resolv_conf);
  return upstreams;
}

const std::vector<Upstream>& Upstreams::current() {
  auto now = std::chrono::steady_clock::now();
  if (!path_.empty() && now >= next_look_) {
    next_look_ = now + std::chrono::seconds(2);
    reload();
  }
  return list_;
}

void Upstreams::reload() {
  struct stat st{};
  bool there = stat(path_.c_str(), &st) == 0;
  bool same = there && st.st_ino == seen_.st_ino && st.st_mtim.tv_sec == seen_.st_mtim.tv_sec &&
              st.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec;
  if (same && !list_.empty()) return;
  seen_ = st;
  list_.clear();
  for (const auto& text : nameservers_of(read_file(path_, 1 << 16).value_or("")))
    if (auto one = parse_upstream(text); one && list_.size() < kMost) list_.push_back(*one);
  if (list_.empty()) list_.push_back(*parse_upstream("127.0.0.53"));
}

}  // namespace dt::runner
