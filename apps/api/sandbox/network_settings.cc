#include "apps/api/sandbox/network_settings.h"

#include <fmt/core.h>

#include <algorithm>

namespace dt::api {
namespace {

constexpr size_t kLongestList = 10;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alpha(char c) { return is_alnum(c) && !(c >= '0' && c <= '9'); }

bool is_ipv4(std::string_view text) {
  auto parts = split(text, '.');
  return parts.size() == 4 && std::ranges::all_of(parts, [](std::string_view part) {
           if (part.empty() || part.size() > 3 ||
               !std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }))
             return false;
           return *parse_int(part) <= 255;
         });
}

Status check_network(std::string_view item) {
  size_t slash = item.find('/');
  std::string_view ip = item.substr(0, slash);
  if (!is_ipv4(ip))
    return fail(
        Code::bad_request,
        fmt::format("Invalid IP address: \"{}\" in network \"{}\". Must be a valid IPv4 address", ip, item));
  if (slash == std::string_view::npos || slash + 1 == item.size())
    return fail(Code::bad_request,
                fmt::format("Invalid network format: \"{}\". Missing CIDR prefix length (e.g., /24)", item));
  std::string_view digits = item.substr(slash + 1);
  auto prefix = digits.size() <= 2 ? parse_int(digits) : std::nullopt;
  if (!prefix || *prefix < 0 || *prefix > 32)
    return fail(Code::bad_request,
                fmt::format("Invalid CIDR prefix length: {}. Prefix must be between 0 and 32", item));
  return {};
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_domain(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  auto labels = split(text, '.');
  if (labels.size() < 2 || !std::ranges::all_of(labels, is_label)) return false;
  return labels.back().size() >= 2 && std::ranges::all_of(labels.back(), is_alpha);
}

// Absent, or a T; null and everything else is the error `rule`.
template <class T>
Status member(const codec::bj::object& body, const char* name, std::optional<T>& out, std::string_view rule) {
  const auto* value = body.if_contains(name);
  if (!value) return {};
  if constexpr (std::is_same_v<T, bool>) {
    if (!value->is_bool()) return fail(Code::bad_request, fmt::format("{} {}", name, rule));
    out = value->get_bool();
  } else {
    if (!value->is_string()) return fail(Code::bad_request, fmt::format("{} {}", name, rule));
    out.emplace(value->get_string().data(), value->get_string().size());
  }
  return {};
}

}  // namespace

Status check_network_allow_list(std::string_view list) {
  auto items = split(list, ',');
  for (std::string_view item : items)
    if (!trim(item).empty()) TRY_VOID(check_network(trim(item)));
  if (items.size() > kLongestList)
    return fail(Code::bad_request, "Network allow list cannot contain more than 10 networks");
  return {};
}

Status check_domain_allow_list(std::string_view list) {
  auto items = split(list, ',');
  for (std::string_view item : items)
    if (!trim(item).empty() && !is_domain(trim(item)))
      return fail(Code::bad_request,
                  fmt::format("Invalid domain: \"{}\". Must be a valid domain name", trim(item)));
  if (items.size() > kLongestList)
    return fail(Code::bad_request, "Domain allow list cannot contain more than 10 domains");
  return {};
}

Status apply_network_settings(SandboxRecord& record, const codec::bj::value& body) {
  if (!body.is_object()) return fail(Code::bad_request, "the body must be an object");
  std::optional<bool> block;
  std::optional<std::string> networks, domains;
  TRY_VOID(member(body.get_object(), "networkBlockAll", block, "must be a boolean value"));
  TRY_VOID(member(body.get_object(), "networkAllowList", networks, "must be a string"));
  TRY_VOID(member(body.get_object(), "domainAllowList", domains, "must be a string"));
  if (!block && !networks && !domains)
    return fail(Code::bad_request,
                "At least one of networkBlockAll, networkAllowList or domainAllowList must be provided");
  if (networks) TRY_VOID(check_network_allow_list(*networks));
  if (domains) TRY_VOID(check_domain_allow_list(*domains));
  if (block) {
    record.network_block_all = *block;
    record.network_allow_list.reset();
  }
  if (networks) {
    record.network_allow_list.reset();
    if (!trim(*networks).empty()) {
      record.network_allow_list = *networks;
      record.network_block_all = false;
    }
  }
  if (domains) {
    record.domain_allow_list.reset();
    if (!trim(*domains).empty()) record.domain_allow_list = *domains;
  }
  return {};
}

}  // namespace dt::api
