// Timing of two things in alternation, and the one line of JSON that every bench prints
// (docs/performance.md).
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace dt::bench {

using SteadyClock = std::chrono::steady_clock;

class Samples {
 public:
  void add(double ms) { values_.push_back(ms); }
  void fail() { ++failures_; }
  double percentile(double p) const;
  size_t size() const { return values_.size(); }
  size_t failures() const { return failures_; }

 private:
  std::vector<double> values_;
  size_t failures_ = 0;
};

// CPU time of the server's processes and its sandboxes, as control groups count it.
class CpuTime {
 public:
  void add_file(std::string path) { files_.push_back(std::move(path)); }  // cpuacct.usage or cpu.stat
  double ms() const;                                                      // so far

 private:
  std::vector<std::string> files_;
};

// Wall and CPU time since it was made.
class Stopwatch {
 public:
  explicit Stopwatch(const CpuTime& cpu) : cpu_(cpu), cpu_start_(cpu.ms()) {}
  double ms() const { return std::chrono::duration<double, std::milli>(SteadyClock::now() - start_).count(); }
  double cpu_ms() const { return cpu_.ms() - cpu_start_; }

 private:
  const CpuTime& cpu_;
  double cpu_start_;
  SteadyClock::time_point start_ = SteadyClock::now();  // last: reading the CPU time is not counted
};

template <class Fn>
void time_one(Samples& into, Fn&& fn) {
  auto start = SteadyClock::now();
  bool ok = fn();
  double ms = std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
  ok ? into.add(ms) : into.fail();
}

struct Row {
  std::string name, tier, reference;
  double cpu_ms = 0;  // of the server for one call; 0: not measured
};

void print(const Row& row, const Samples& ours, const Samples& theirs);
void print_rate(const Row& row, size_t n, size_t failures, double rate, double reference_rate,
                const char* unit);

}  // namespace dt::bench
