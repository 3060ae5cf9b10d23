// Allow lists and volume paths of a sandbox: checks with the contract's words (api-sandbox §16, §17.4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "apps/api/sandbox/model.h"

namespace dt::api {

Status check_network_allow_list(std::string_view list);
Status check_domain_allow_list(std::string_view list);

// POST …/network-settings: only present members count; null is refused.
Status apply_network_settings(SandboxRecord& record, const codec::bj::value& body);

}  // namespace dt::api
