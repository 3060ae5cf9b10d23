#include "apps/api/auth/principal.h"

#include <array>

namespace dt::api {

namespace {
// In the order of the enum.
constexpr std::array<std::string_view, kPermissionCount> kNames = {
    "write:registries", "delete:registries", "write:snapshots", "delete:snapshots", "write:sandboxes",
    "delete:sandboxes", "read:volumes",      "write:volumes",   "delete:volumes",   "write:regions",
    "delete:regions",   "read:runners",      "write:runners",   "delete:runners",   "read:audit_logs"};
}  // namespace

std::string_view wire_name(Permission permission) { return kNames[static_cast<size_t>(permission)]; }

std::optional<Permission> parse_permission(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Permission>(i);
  return std::nullopt;
}

std::vector<std::string> Permissions::wire_names() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < kNames.size(); ++i)
    if (has(static_cast<Permission>(i))) out.emplace_back(kNames[i]);
  return out;
}

}  // namespace dt::api
