#include "apps/runner/engine/passwd.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "libs/base/text.h"

namespace dt::runner::engine {
namespace {

constexpr size_t kMaxGroups = 64;

std::optional<uint32_t> parse_id(std::string_view text) {
  auto n = parse_int(text);
  if (!n || *n < 0 || *n > 65'535) return std::nullopt;
  return static_cast<uint32_t>(*n);
}

using Fields = std::vector<std::string_view>;
std::optional<Fields> find_line(std::string_view text, size_t fields,
                                const std::function<bool(const Fields&)>& match) {
  for (std::string_view line : split(text, '\n')) {
    auto parts = split(line, ':');
    if (parts.size() >= fields && match(parts)) return parts;
  }
  return std::nullopt;
}

void apply_entry(UserRecord& user, const Fields& entry) {
  user.name = std::string(entry[0]);
  user.gid = parse_id(entry[3]).value_or(0);
  if (entry[5].starts_with('/')) user.home = std::string(entry[5]);
}

Status find_user(UserRecord& user, std::string_view who, std::string_view passwd) {
  auto named = find_line(passwd, 6, [&](auto& f) { return f[0] == who && parse_id(f[2]); });
  if (named) {
    user.uid = *parse_id((*named)[2]);
    apply_entry(user, *named);
    return {};
  }
  auto uid = parse_id(who);
  if (!uid) {
    // An image without /etc/passwd (FROM scratch) still has a root.
    if (who != "root") return fail(Code::unprocessable, "the image has no user \"" + std::string(who) + "\"");
    uid = 0;
  }
  user.uid = *uid;
  if (auto entry = find_line(passwd, 6, [&](auto& f) { return parse_id(f[2]) == uid; }))
    apply_entry(user, *entry);
  if (user.uid == 0 && user.name.empty()) user.name = "root", user.home = "/root";
  return {};
}

}  // namespace

Result<UserRecord> resolve_user(std::string_view spec, std::string_view passwd, std::string_view group) {
  UserRecord user;
  size_t colon = spec.find(':');
  std::string_view who = spec.substr(0, colon);
  TRY_VOID(find_user(user, who.empty() ? "root" : who, passwd));
  if (colon != std::string_view::npos && colon + 1 < spec.size()) {
    std::string_view name = spec.substr(colon + 1);
    auto entry = find_line(group, 3, [&](auto& f) { return f[0] == name && parse_id(f[2]); });
    auto gid = entry ? parse_id((*entry)[2]) : parse_id(name);
    if (!gid) return fail(Code::unprocessable, "the image has no group \"" + std::string(name) + "\"");
    user.gid = *gid;
    user.groups = {user.gid};
    return user;  // an explicit group replaces the supplementary ones, as container engines do
  }
  user.groups = {user.gid};
  for (std::string_view line : split(group, '\n')) {
    auto f = split(line, ':');
    if (f.size() < 4 || user.groups.size() >= kMaxGroups) continue;
    auto members = split(f[3], ',');
    auto gid = parse_id(f[2]);
    if (gid && !user.name.empty() && std::find(members.begin(), members.end(), user.name) != members.end() &&
        std::find(user.groups.begin(), user.groups.end(), *gid) == user.groups.end())
      user.groups.push_back(*gid);
  }
  return user;
}

}  // namespace dt::runner::engine
