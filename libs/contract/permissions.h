// The permissions of API keys and roles, in the order in which they are stored as bits (contract api-core
// §6.5). New ones go to the end.
#pragma once
#include <array>
#include <string_view>

namespace dt::contract {
inline constexpr std::array<std::string_view, 15> kPermissionNames = {
    "write:registries", "delete:registries", "write:snapshots", "delete:snapshots", "write:sandboxes",
    "delete:sandboxes", "read:volumes",      "write:volumes",   "delete:volumes",   "write:regions",
    "delete:regions",   "read:runners",      "write:runners",   "delete:runners",   "read:audit_logs"};
}  // namespace dt::contract
