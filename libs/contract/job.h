// The jobs protocol between the API and a runner (api-sandbox §21, §22.2; runner-proxy-gateway §1.6 to §1.8).
// The runner dials out: GET /jobs/poll claims jobs, POST /jobs/{id}/status reports their end. `payload` is
// JSON text of one of the structs below; decode it with dt::decode<…Payload>(*job.payload).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/codec/codec.h"

namespace dt::contract {

namespace job_type {
inline constexpr std::string_view kCreateSandbox = "CREATE_SANDBOX";
inline constexpr std::string_view kStartSandbox = "START_SANDBOX";
inline constexpr std::string_view kStopSandbox = "STOP_SANDBOX";
inline constexpr std::string_view kDestroySandbox = "DESTROY_SANDBOX";
inline constexpr std::string_view kUpdateNetwork = "UPDATE_SANDBOX_NETWORK_SETTINGS";
}  // namespace job_type

namespace job_status {
inline constexpr std::string_view kPending = "PENDING";
inline constexpr std::string_view kInProgress = "IN_PROGRESS";
inline constexpr std::string_view kCompleted = "COMPLETED";
inline constexpr std::string_view kFailed = "FAILED";
}  // namespace job_status

struct Job {
  std::string id;
  std::string type;                    // job_type
  std::string status;                  // job_status
  std::string resourceType;            // "SANDBOX"
  std::string resourceId;              // sandbox id
  std::optional<std::string> payload;  // JSON text
  std::optional<std::map<std::string, std::string>> traceContext;
  std::optional<std::string> errorMessage;
  std::string createdAt;
  std::optional<std::string> updatedAt;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(Job, (),
                      (id, type, status, resourceType, resourceId, payload, traceContext, errorMessage,
                       createdAt, updatedAt))

struct PollJobsResponse {
  std::vector<Job> jobs;
};
BOOST_DESCRIBE_STRUCT(PollJobsResponse, (), (jobs))

struct PaginatedJobs {
  std::vector<Job> items;
  int64_t total = 0, page = 1, totalPages = 0;
};
BOOST_DESCRIBE_STRUCT(PaginatedJobs, (), (items, total, page, totalPages))

struct UpdateJobStatus {
  std::string status;                         // COMPLETED or FAILED
  std::optional<std::string> errorMessage;    // text, or the JSON of JobFailure
  std::optional<std::string> resultMetadata;  // JSON text, e.g. of SandboxJobResult
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(UpdateJobStatus, (), (status, errorMessage, resultMetadata))
void check(const UpdateJobStatus& body, Violations& violations);

// ---- what is in the text members
// -------------------------------------------------------------------------------------

struct JobVolume {
  std::string volumeId;  // UUID
  std::string mountPath;
  std::optional<std::string> subpath;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(JobVolume, (), (volumeId, mountPath, subpath))

struct CreateSandboxPayload {
  std::string id;
  std::string name;
  std::string userId;  // both are the organization
  std::string organizationId;
  std::string regionId;
  std::string sandboxClass;  // "container"
  std::string snapshot;      // image reference as the runner knows it
  std::string osUser;        // user inside the sandbox
  int64_t cpuQuota = 0;      // cores
  int64_t gpuQuota = 0;
  int64_t memoryQuota = 0;   // GiB
  int64_t storageQuota = 0;  // GiB
  std::map<std::string, std::string> env;
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<JobVolume> volumes;
  bool networkBlockAll = false;
  std::optional<std::string> networkAllowList;  // comma-separated IPv4 CIDR
  std::optional<std::string> domainAllowList;   // comma-separated
  std::map<std::string, std::string>
      metadata;  // organizationId, organizationName, limitNetworkEgress, sandboxName
  std::string authToken;
  std::optional<std::string> otelEndpoint;
  Defaulted<bool> skipStart = false;
  std::optional<std::string> linkedSandboxId;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(CreateSandboxPayload, (),
                      (id, name, userId, organizationId, regionId, sandboxClass, snapshot, osUser, cpuQuota,
                       gpuQuota, memoryQuota, storageQuota, env, entrypoint, volumes, networkBlockAll,
                       networkAllowList, domainAllowList, metadata, authToken, otelEndpoint, skipStart,
                       linkedSandboxId))

struct StartSandboxPayload {
  std::string authToken;
  std::map<std::string, std::string> metadata;
};
BOOST_DESCRIBE_STRUCT(StartSandboxPayload, (), (authToken, metadata))

struct StopSandboxPayload {
  Defaulted<bool> force = false;  // kill instead of terminate
};
BOOST_DESCRIBE_STRUCT(StopSandboxPayload, (), (force))

// Not blocked and no list means: lift restrictions.
struct NetworkSettingsPayload {
  Defaulted<bool> networkBlockAll = false;
  std::optional<std::string> networkAllowList, domainAllowList;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(NetworkSettingsPayload, (), (networkBlockAll, networkAllowList, domainAllowList))

// resultMetadata of CREATE_SANDBOX and START_SANDBOX.
struct SandboxJobResult {
  std::optional<std::string> daemonVersion;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(SandboxJobResult, (), (daemonVersion))

// errorMessage of a failed job when the failure can be recovered from (disk full).
struct JobFailure {
  std::string errorReason;
  Defaulted<bool> recoverable = false;
};
BOOST_DESCRIBE_STRUCT(JobFailure, (), (errorReason, recoverable))

}  // namespace dt::contract
