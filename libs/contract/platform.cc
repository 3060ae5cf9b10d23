#include "libs/contract/platform.h"

#include <algorithm>

#include "libs/base/clock.h"
#include "libs/contract/permissions.h"
#include "libs/contract/rules.h"

namespace dt::contract {

namespace {
std::string list_of_permissions() {
  std::string out;
  for (std::string_view name : kPermissionNames) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}
}  // namespace

void check(const CreateApiKey& body, Violations& violations) {
  if (body.name.empty()) violations.add("name should not be empty");
  check_display_string("name", body.name, violations);
  bool known = std::ranges::all_of(body.permissions, [](const std::string& p) {
    return std::ranges::find(kPermissionNames, p) != kPermissionNames.end();
  });
  if (!known)
    violations.add("each value in permissions must be one of the following values: " + list_of_permissions());
  if (body.expiresAt && !parse_iso8601(*body.expiresAt)) violations.add("expiresAt must be a Date instance");
}

}  // namespace dt::contract
