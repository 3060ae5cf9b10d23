#include "apps/proxy/target.h"

#include <algorithm>

#include "libs/base/text.h"

namespace dt::proxy {
namespace {

std::optional<int> port_number(std::string_view text) {
  if (text.empty() || text.size() > 5 || text[0] == '0') return std::nullopt;
  for (char c : text)
    if (c < '0' || c > '9') return std::nullopt;
  auto value = parse_int(text);
  return value && *value <= 65535 ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

// Ids and tokens are one DNS label or UUID; anything else would end up in paths of requests to the API and
// the runner.
bool plain_id(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  for (char c : id)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      return false;
  return true;
}

}  // namespace

bool always_private(int port) { return port == 2280 || port == 22222 || port == 33333; }

std::optional<Target> target_of(std::string_view host, std::string_view path) {
  size_t dot = host.find('.');
  size_t dash = host.find('-');
  if (dot != std::string_view::npos && dash != std::string_view::npos && dash < dot) {
    auto port = port_number(host.substr(0, dash));
    std::string id(host.substr(dash + 1, dot - dash - 1));
    if (port && plain_id(id)) {
      // Port 2280 is the daemon itself, with the toolbox paths at its root.
      std::string rest(path);
      if (*port != 2280) rest = "/proxy/" + std::to_string(*port) + rest;
      return Target{true, *port, std::move(id), std::move(rest)};
    }
  }
  constexpr std::string_view kPrefix = "/toolbox/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  size_t slash = path.find('/');
  if (slash == std::string_view::npos || !plain_id(path.substr(0, slash))) return std::nullopt;
  return Target{false, 0, std::string(path.substr(0, slash)), std::string(path.substr(slash))};
}

bool Target::signed_token() const {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return sandbox.size() == 16 && std::ranges::all_of(sandbox, plain);
}

std::string redirected(const Target& target, std::string_view location) {
  std::string prefix = "/toolbox/" + target.sandbox;
  bool own = location.starts_with(prefix + "/") || location == prefix;
  if (target.preview || own || !location.starts_with('/') || location.starts_with("//"))
    return std::string(location);
  constexpr std::string_view kPorts = "/proxy/";
  std::string_view path = target.runner_path;
  if (path.starts_with(kPorts) && !location.starts_with(kPorts))
    prefix += path.substr(0, path.find('/', kPorts.size()));
  return prefix + std::string(location);
}

std::string without_parameter(std::string_view raw_query, std::string_view name) {
  std::string out;
  for (std::string_view part : split(raw_query, '&')) {
    auto key = percent_decode(part.substr(0, part.find('=')), true);
    if (part.empty() || (key && *key == name)) continue;
    if (!out.empty()) out += '&';
    out += part;
  }
  return out;
}

}  // namespace dt::proxy
