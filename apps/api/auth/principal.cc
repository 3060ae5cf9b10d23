#include "apps/api/auth/principal.h"

#include "libs/contract/permissions.h"

namespace dt::api {

namespace {
using contract::kPermissionNames;
static_assert(kPermissionNames.size() == kPermissionCount);
}  // namespace

std::string_view wire_name(Permission permission) {
  return kPermissionNames[static_cast<size_t>(permission)];
}

std::optional<Permission> parse_permission(std::string_view name) {
  for (size_t i = 0; i < kPermissionNames.size(); ++i)
    if (kPermissionNames[i] == name) return static_cast<Permission>(i);
  return std::nullopt;
}

std::vector<std::string> Permissions::wire_names() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < kPermissionNames.size(); ++i)
    if (has(static_cast<Permission>(i))) out.emplace_back(kPermissionNames[i]);
  return out;
}

}  // namespace dt::api
