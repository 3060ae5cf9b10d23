// From a record to what clients see (contract api-sandbox §4).
#pragma once
#include <string>

#include "apps/api/sandbox/model.h"
#include "apps/api/sandbox/settings.h"

namespace dt::api {

contract::SandboxListItem to_list_item(const SandboxRecord& record, const SandboxSettings& settings);
contract::Sandbox to_dto(const SandboxRecord& record, const SandboxSettings& settings);

// {{PORT}} and {{sandboxId}} of the template replaced; `id` may be a signed token.
std::string preview_url(const SandboxSettings& settings, int64_t port, const std::string& id);

}  // namespace dt::api
