#include "libs/contract/sandbox.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "libs/contract/rules.h"
#include "libs/contract/sandbox_state.h"

namespace dt::contract {
namespace {

constexpr std::array<std::string_view, 7> kGpuTypes = {"H100",     "RTX-PRO-6000", "H200", "RTX-4090",
                                                       "RTX-5090", "MI355X",       "B300"};

void check_min(std::string_view field, const std::optional<int64_t>& value, int64_t min,
               Violations& violations) {
  if (value && *value < min) violations.add(fmt::format("{} must not be less than {}", field, min));
}

void check_max(std::string_view field, const std::optional<int64_t>& value, int64_t max,
               Violations& violations) {
  if (value && *value > max) violations.add(fmt::format("{} must not be greater than {}", field, max));
}

bool is_gpu_type(const codec::bj::value& value) {
  if (!value.is_string()) return false;
  std::string_view text(value.get_string().data(), value.get_string().size());
  return std::find(kGpuTypes.begin(), kGpuTypes.end(), text) != kGpuTypes.end();
}

void check_gpu_type(const codec::bj::value& value, Violations& violations) {
  if (value.is_null()) return;
  bool good = value.is_array() ? std::ranges::all_of(value.get_array(), is_gpu_type) : is_gpu_type(value);
  if (good) return;
  std::string names;
  for (std::string_view name : kGpuTypes) names += (names.empty() ? "" : ", ") + std::string(name);
  violations.add(fmt::format("each value in gpuType must be one of the following values: {}", names));
}

void check_build_info(const std::optional<codec::bj::object>& info, Violations& violations) {
  if (!info) return;
  const auto* dockerfile = info->if_contains("dockerfileContent");
  if (!dockerfile || !dockerfile->is_string())
    violations.add("buildInfo.dockerfileContent must be a string");
  else if (dockerfile->get_string().empty())
    violations.add("buildInfo.dockerfileContent should not be empty");
  const auto* hashes = info->if_contains("contextHashes");
  if (!hashes || hashes->is_null()) return;
  if (!hashes->is_array()) return violations.add("buildInfo.contextHashes must be an array");
  if (!std::ranges::all_of(hashes->get_array(), [](const auto& h) { return h.is_string(); }))
    violations.add("each value in buildInfo.contextHashes must be a string");
}

void check_proxy_url(const std::optional<std::string>& url, Violations& violations) {
  if (url && !url->empty() && !istarts_with(*url, "http://") && !istarts_with(*url, "https://"))
    violations.add("outboundProxyUrl must be a URL address");
}

}  // namespace

void check(const CreateSandbox& body, Violations& violations) {
  if (body.name) check_display_string("name", *body.name, violations);
  check_proxy_url(body.outboundProxyUrl, violations);
  check_min("cpu", body.cpu, 0, violations);
  check_min("gpu", body.gpu, 0, violations);
  check_max("gpu", body.gpu, 1, violations);
  check_gpu_type(body.gpuType, violations);
  check_min("memory", body.memory, 0, violations);
  check_min("disk", body.disk, 0, violations);
  check_min("ttlMinutes", body.ttlMinutes, 0, violations);
  if (body.volumes)
    for (size_t i = 0; i < body.volumes->size(); ++i)
      if ((*body.volumes)[i].volumeId.empty())
        violations.add(fmt::format("volumes.{}.volumeId should not be empty", i));
  check_build_info(body.buildInfo, violations);
  check_min("queueTimeout", body.queueTimeout, 1, violations);
}

void check(const UpdateSandboxState& body, Violations& violations) {
  if (parse_sandbox_state(body.state)) return;
  std::string names;
  for (size_t i = 0; i < kSandboxStates; ++i)
    names += (i ? ", " : "") + std::string(to_string(static_cast<SandboxState>(i)));
  violations.add("state must be one of the following values: " + names);
}

StringMap string_values(const codec::bj::object& object) {
  StringMap out;
  for (const auto& [key, value] : object) {
    if (value.is_null()) continue;
    out[std::string(key)] = value.is_string()
                                ? std::string(value.get_string().data(), value.get_string().size())
                                : json::serialize(value);
  }
  return out;
}

}  // namespace dt::contract
