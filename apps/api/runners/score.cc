#include "apps/api/runners/score.h"

#include <array>
#include <cmath>

namespace dt::api {
namespace {

constexpr size_t kDimensions = 7;  // cpu, memory, disk, allocated cpu, memory, disk, started sandboxes
constexpr std::array<double, kDimensions> kWeight = {0.25, 0.4, 0.4, 0.03, 0.03, 0.03, 0.1};
constexpr std::array<double, kDimensions> kOptimal = {0, 0, 0, 100, 100, 100, 0};
constexpr std::array<double, kDimensions> kCritical = {100, 100, 100, 500, 500, 500, 100};

double share(double allocated, double capacity) { return capacity > 0 ? allocated / capacity * 100 : 0; }

double distance(const std::array<double, kDimensions>& x, const std::array<double, kDimensions>& point) {
  double sum = 0;
  for (size_t i = 0; i < kDimensions; ++i) sum += kWeight[i] * std::pow((x[i] - point[i]) / 100, 2);
  return std::sqrt(sum);
}

double penalty(double value, double threshold, double exponent) {
  return value >= threshold ? std::exp(-exponent * (value - threshold)) : 1;
}

}  // namespace

double availability_score(const contract::RunnerMetrics& m) {
  std::array<double, kDimensions> x = {m.currentCpuUsagePercentage,
                                       m.currentMemoryUsagePercentage,
                                       m.currentDiskUsagePercentage,
                                       share(m.currentAllocatedCpu, m.cpu),
                                       share(m.currentAllocatedMemoryGiB, m.memoryGiB),
                                       share(m.currentAllocatedDiskGiB, m.diskGiB),
                                       *m.currentStartedSandboxes};
  for (double value : x)
    if (!(value >= 0)) return 0;
  if (!(m.currentCpuLoadAverage >= 0)) return 0;
  double from_best = distance(x, kOptimal), from_worst = distance(x, kCritical);
  double score = from_worst / (from_best + from_worst);
  score *= penalty(x[0], 90, 0.15) * penalty(x[1], 75, 0.15) * penalty(x[2], 75, 0.15) *
           penalty(m.currentCpuLoadAverage, 0.7, 0.1);
  return std::round(100 * score);
}

}  // namespace dt::api
