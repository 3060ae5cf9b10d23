#include "bench/measure.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "libs/base/fd.h"

namespace dt::bench {

double Samples::percentile(double p) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(p / 100 * static_cast<double>(sorted.size())))];
}

double CpuTime::ms() const {
  constexpr std::string_view kField = "usage_usec ";
  double sum = 0;
  for (const std::string& path : files_) {
    auto text = read_file(path, 4096);
    if (!text) continue;
    size_t field = text->find(kField);
    if (field == std::string::npos)
      sum += std::strtod(text->c_str(), nullptr) / 1e6;  // nanoseconds
    else
      sum += std::strtod(text->c_str() + field + kField.size(), nullptr) / 1e3;
  }
  return sum;
}

void print(const Row& row, const Samples& ours, const Samples& theirs) {
  double reference = theirs.percentile(50);
  std::printf(R"({"name":"%s","tier":"%s","n":%zu,"failures":%zu,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,)"
              R"("cpu_ms":%.3f,"reference":"%s","reference_p50_ms":%.3f,"ratio":%.4f})"
              "\n",
              row.name.c_str(), row.tier.c_str(), ours.size(), ours.failures(), ours.percentile(50),
              ours.percentile(95), ours.percentile(99), row.cpu_ms, row.reference.c_str(), reference,
              reference > 0 ? ours.percentile(50) / reference : 0.0);
  std::fflush(stdout);
}

void print_rate(const Row& row, size_t n, size_t failures, double rate, double reference_rate,
                const char* unit) {
  std::printf(R"({"name":"%s","tier":"%s","n":%zu,"failures":%zu,"rate":%.1f,"cpu_ms":%.3f,"reference":"%s",)"
              R"("reference_rate":%.1f,"unit":"%s","ratio":%.4f})"
              "\n",
              row.name.c_str(), row.tier.c_str(), n, failures, rate, row.cpu_ms, row.reference.c_str(),
              reference_rate, unit, reference_rate > 0 ? rate / reference_rate : 0.0);
  std::fflush(stdout);
}

}  // namespace dt::bench
