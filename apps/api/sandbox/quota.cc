#include "apps/api/sandbox/quota.h"

#include <fmt/core.h>

namespace dt::api {
namespace {

constexpr std::string_view kPerSandbox =
    "Need higher resource limits per-sandbox? Contact us at support@daytona.io and let us know about your "
    "use case.";
constexpr std::string_view kArchive =
    "Consider archiving your unused Sandboxes to free up available storage.";

Status check_per_sandbox(const OrganizationLimits& limits, const SandboxRecord& s) {
  auto refuse = [](std::string_view what, int64_t wanted, int64_t most, std::string_view unit) {
    return fail(Code::bad_request,
                fmt::format("{} request {}{} exceeds maximum allowed per sandbox ({}{}).\n{}", what, wanted,
                            unit, most, unit, kPerSandbox));
  };
  if (s.cpu > limits.max_cpu_per_sandbox) return refuse("CPU", s.cpu, limits.max_cpu_per_sandbox, "");
  if (s.memory > limits.max_memory_per_sandbox)
    return refuse("Memory", s.memory, limits.max_memory_per_sandbox, "GB");
  if (s.disk > limits.max_disk_per_sandbox) return refuse("Disk", s.disk, limits.max_disk_per_sandbox, "GB");
  return {};
}

}  // namespace

Status check_quota(store::Reader& db, const OrganizationRecord& organization, const SandboxRecord& s,
                   const SandboxSettings& settings) {
  TRY_VOID(check_per_sandbox(organization.limits, s));
  if (!settings.total_quota) return {};
  const Usage& most = *settings.total_quota;
  TRY(Usage used, usage_of(db, s.organization, s.region, s.id));
  std::string upgrade =
      fmt::format("To increase concurrency limits, upgrade your organization's Tier by visiting {}/limits.",
                  settings.dashboard_url);
  if (used.cpu + s.cpu > most.cpu)
    return fail(Code::bad_request,
                fmt::format("Total CPU limit exceeded. Maximum allowed: {}.\n{}", most.cpu, upgrade));
  if (used.memory + s.memory > most.memory)
    return fail(Code::bad_request, fmt::format("Total memory limit exceeded. Maximum allowed: {}GiB.\n{}",
                                               most.memory, upgrade));
  if (used.disk + s.disk > most.disk)
    return fail(Code::bad_request, fmt::format("Total disk limit exceeded. Maximum allowed: {}GiB.\n{}\n{}",
                                               most.disk, kArchive, upgrade));
  return {};
}

}  // namespace dt::api
