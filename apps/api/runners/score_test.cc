#include "apps/api/runners/score.h"

#include <gtest/gtest.h>

namespace dt::api {
namespace {

contract::RunnerMetrics metrics(double cpu, double memory, double disk, double alloc_cpu, double alloc_memory,
                                double alloc_disk, double started, double load) {
  contract::RunnerMetrics m;
  m.currentCpuUsagePercentage = cpu;
  m.currentMemoryUsagePercentage = memory;
  m.currentDiskUsagePercentage = disk;
  m.cpu = m.memoryGiB = m.diskGiB = 100;
  m.currentAllocatedCpu = alloc_cpu;
  m.currentAllocatedMemoryGiB = alloc_memory;
  m.currentAllocatedDiskGiB = alloc_disk;
  m.currentStartedSandboxes = started;
  m.currentCpuLoadAverage = load;
  return m;
}

TEST(AvailabilityScore, ValuesOfTheContract) {
  EXPECT_EQ(availability_score(metrics(0, 0, 0, 0, 0, 0, 0, 0)), 86);
  EXPECT_EQ(availability_score(metrics(50, 60, 40, 200, 150, 50, 20, 0)), 69);
  EXPECT_EQ(availability_score(metrics(10, 80, 30, 50, 50, 50, 5, 1.2)), 33);
  EXPECT_EQ(availability_score(metrics(-1, 0, 0, 0, 0, 0, 0, 0)), 0);
}

}  // namespace
}  // namespace dt::api
