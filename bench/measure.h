// Timing of two things in alternation, and the one line of JSON that every bench prints
// (docs/performance.md).
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace dt::bench {

using SteadyClock = std::chrono::steady_clock;

class Samples {
 public:
  void add(double ms) { values_.push_back(ms); }
  void fail() { ++failures_; }
  double percentile(double p) const {
    if (values_.empty()) return 0;
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1,
                           static_cast<size_t>(p / 100 * static_cast<double>(sorted.size())))];
  }
  size_t size() const { return values_.size(); }
  size_t failures() const { return failures_; }

 private:
  std::vector<double> values_;
  size_t failures_ = 0;
};

// Milliseconds of one call; negative: it failed.
template <class Fn>
void time_one(Samples& into, Fn&& fn) {
  auto start = SteadyClock::now();
  bool ok = fn();
  double ms = std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
  ok ? into.add(ms) : into.fail();
}

struct Row {
  std::string name, tier, reference;
  double cpu_ms = 0;
};

inline void print(const Row& row, const Samples& ours, const Samples& theirs) {
  double reference = theirs.percentile(50);
  std::printf(
      "{\"name\":\"%s\",\"tier\":\"%s\",\"n\":%zu,\"failures\":%zu,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_"
      "ms\":%.3f,"
      "\"cpu_ms\":%.3f,\"reference\":\"%s\",\"reference_p50_ms\":%.3f,\"ratio\":%.4f}\n",
      row.name.c_str(), row.tier.c_str(), ours.size(), ours.failures(), ours.percentile(50),
      ours.percentile(95), ours.percentile(99), row.cpu_ms, row.reference.c_str(), reference,
      reference > 0 ? ours.percentile(50) / reference : 0.0);
  std::fflush(stdout);
}

inline void print_rate(const Row& row, size_t n, double rate, double reference_rate, const char* unit) {
  std::printf(
      "{\"name\":\"%s\",\"tier\":\"%s\",\"n\":%zu,\"failures\":0,\"rate\":%.1f,\"reference\":\"%s\","
      "\"reference_rate\":%.1f,"
      "\"unit\":\"%s\",\"ratio\":%.4f}\n",
      row.name.c_str(), row.tier.c_str(), n, rate, row.reference.c_str(), reference_rate, unit,
      reference_rate > 0 ? rate / reference_rate : 0.0);
  std::fflush(stdout);
}

}  // namespace dt::bench
