#include "apps/runner/network/links.h"

#include <algorithm>

#include "libs/base/text.h"

namespace dt::runner {

namespace {
bool is_called(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}
}  // namespace

std::vector<uint32_t> Links::others(uint32_t address, const std::string& group) const {
  std::vector<uint32_t> out;
  auto [first, last] = groups_.equal_range(group);
  for (auto it = first; it != last; ++it)
    if (it->second != address) out.push_back(it->second);
  return out;
}

Status Links::join(uint32_t address, const std::string& group, const std::vector<std::string>& names,
                   Apply apply) {
  std::lock_guard lock(mutex_);
  CHECK(!members_.contains(address));
  auto peers = others(address, group);
  if (!peers.empty()) TRY_VOID(apply(peers));
  Member member{group, {}};
  for (const std::string& name : names) member.names.push_back(lower(name));
  members_[address] = std::move(member);
  groups_.emplace(group, address);
  return {};
}

Status Links::leave(uint32_t address, Apply apply) {
  std::lock_guard lock(mutex_);
  auto found = members_.find(address);
  if (found == members_.end()) return {};
  auto peers = others(address, found->second.group);
  auto [first, last] = groups_.equal_range(found->second.group);
  groups_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == address; }));
  members_.erase(found);
  return peers.empty() ? Status{} : apply(peers);
}

std::optional<uint32_t> Links::resolve(uint32_t member, std::string_view name) const {
  std::lock_guard lock(mutex_);
  auto asking = members_.find(member);
  if (asking == members_.end()) return std::nullopt;
  auto [first, last] = groups_.equal_range(asking->second.group);
  for (auto it = first; it != last; ++it)
    if (it->second != member && is_called(members_.at(it->second).names, name)) return it->second;
  return std::nullopt;
}

}  // namespace dt::runner
