// Bodies between a runner and the API, and runner records as the proxy reads them (api-sandbox §19).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "libs/codec/codec.h"

namespace dt::contract {

// On answers that the runner gives itself because it does not know the key or the sandbox: whoever asked may
// have the wrong runner.
inline constexpr std::string_view kRunnerAnswerHeader = "X-Daytona-Runner-Answer";

struct RunnerServiceHealth {
  std::string serviceName;
  bool healthy = false;
  std::optional<std::string> errorReason;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(RunnerServiceHealth, (), (serviceName, healthy, errorReason))

struct RunnerMetrics {
  double currentCpuLoadAverage = 0;  // per core
  double currentCpuUsagePercentage = 0, currentMemoryUsagePercentage = 0, currentDiskUsagePercentage = 0;
  double currentAllocatedCpu = 0, currentAllocatedMemoryGiB = 0, currentAllocatedDiskGiB = 0;
  double currentSnapshotCount = 0;
  Defaulted<double> currentStartedSandboxes = 0.0;
  double cpu = 0, memoryGiB = 0, diskGiB = 0;  // capacity of the machine
  std::optional<double> gpu;
  std::optional<std::string> gpuType;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(RunnerMetrics, (),
                      (currentCpuLoadAverage, currentCpuUsagePercentage, currentMemoryUsagePercentage,
                       currentDiskUsagePercentage, currentAllocatedCpu, currentAllocatedMemoryGiB,
                       currentAllocatedDiskGiB, currentSnapshotCount, currentStartedSandboxes, cpu, memoryGiB,
                       diskGiB, gpu, gpuType))

// POST /runners/healthcheck, at least every 30 s; a runner silent for 60 s is unresponsive.
struct RunnerHealthcheck {
  std::optional<RunnerMetrics> metrics;
  std::optional<std::vector<RunnerServiceHealth>> serviceHealth;
  std::optional<std::string> domain;
  std::optional<std::string>
      proxyUrl;  // where the toolbox path /sandboxes/{id}/toolbox/… is served, e.g. http://127.0.0.1:3003
  std::optional<std::string> apiUrl;
  std::string appVersion;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(RunnerHealthcheck, (), (metrics, serviceHealth, domain, proxyUrl, apiUrl, appVersion))

struct Runner {
  std::string id;
  std::optional<std::string> domain, apiUrl, proxyUrl;
  double cpu = 0, memory = 0, disk = 0;
  std::optional<double> gpu;
  std::optional<std::string> gpuType;
  std::string sandboxClass = "container";
  double currentCpuUsagePercentage = 0, currentMemoryUsagePercentage = 0, currentDiskUsagePercentage = 0;
  double currentAllocatedCpu = 0, currentAllocatedMemoryGiB = 0, currentAllocatedDiskGiB = 0;
  double currentSnapshotCount = 0, currentStartedSandboxes = 0;
  double availabilityScore = 0;
  std::string region, name, state;
  std::optional<std::string> lastChecked;
  bool unschedulable = false;
  std::vector<std::string> tags;
  std::string createdAt, updatedAt;
  std::string version = "2", apiVersion = "2";
  std::string runnerClass = "container";
  std::optional<std::string> appVersion;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(Runner, (),
                      (id, domain, apiUrl, proxyUrl, cpu, memory, disk, gpu, gpuType, sandboxClass,
                       currentCpuUsagePercentage, currentMemoryUsagePercentage, currentDiskUsagePercentage,
                       currentAllocatedCpu, currentAllocatedMemoryGiB, currentAllocatedDiskGiB,
                       currentSnapshotCount, currentStartedSandboxes, availabilityScore, region, name, state,
                       lastChecked, unschedulable, tags, createdAt, updatedAt, version, apiVersion,
                       runnerClass, appVersion))

// GET /runners/me (for the runner) and /runners/by-sandbox/{id} (for the proxy): with the key to talk to the
// runner.
struct RunnerFull : Runner {
  std::string apiKey;
  std::optional<std::string> regionType;
};
BOOST_DESCRIBE_STRUCT(RunnerFull, (Runner), (apiKey, regionType))

struct RunnerScheduling {
  bool unschedulable = false;
};
BOOST_DESCRIBE_STRUCT(RunnerScheduling, (), (unschedulable))

}  // namespace dt::contract
