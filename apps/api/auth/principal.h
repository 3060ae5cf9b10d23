// Who calls: role, organization and permissions of an authenticated request (contract api-core §5, §6).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/ids.h"

namespace dt::api {

enum class Permission : uint8_t {
  write_registries,
  delete_registries,
  write_snapshots,
  delete_snapshots,
  write_sandboxes,
  delete_sandboxes,
  read_volumes,
  write_volumes,
  delete_volumes,
  write_regions,
  delete_regions,
  read_runners,
  write_runners,
  delete_runners,
  read_audit_logs,
};
inline constexpr size_t kPermissionCount = 15;
std::string_view wire_name(Permission permission);  // "write:sandboxes"
std::optional<Permission> parse_permission(std::string_view wire_name);

class Permissions {
 public:
  constexpr Permissions() = default;
  constexpr Permissions(std::initializer_list<Permission> list) {
    for (Permission p : list) add(p);
  }
  static constexpr Permissions all() {
    Permissions out;
    out.bits_ = (1u << kPermissionCount) - 1;
    return out;
  }
  constexpr void add(Permission p) { bits_ |= 1u << static_cast<unsigned>(p); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool has(Permission p) const { return bits_ & (1u << static_cast<unsigned>(p)); }
  constexpr bool contains(Permissions other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr bool intersects(Permissions other) const { return bits_ & other.bits_; }
  std::vector<std::string> wire_names() const;
  constexpr uint32_t bits() const { return bits_; }  // as stored
  static constexpr Permissions from_bits(int64_t bits) {
    Permissions out;
    out.bits_ = static_cast<uint32_t>(bits) & all().bits_;
    return out;
  }

 private:
  uint32_t bits_ = 0;
};

enum class Role : uint8_t { anonymous, user, admin, runner, proxy, ssh_gateway, health_check };

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> list) {
    for (Role r : list) bits_ |= 1u << static_cast<unsigned>(r);
  }
  constexpr bool has(Role r) const { return bits_ & (1u << static_cast<unsigned>(r)); }

 private:
  uint32_t bits_ = 0;
};

struct Principal {
  Role role = Role::anonymous;
  UserId user;                  // user, admin
  OrganizationId organization;  // user, admin: the organization of the key
  std::string key_name;         // user, admin: name of the API key that was used
  Permissions permissions;      // user, admin
  RunnerId runner;              // runner
  bool is_user() const { return role == Role::user || role == Role::admin; }
};

}  // namespace dt::api
