// Time. Code that decides by time takes a Clock&, so that tests can move it.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dt {

using Millis = std::chrono::milliseconds;
using Mono = std::chrono::steady_clock::time_point;                       // deadlines
using Wall = std::chrono::time_point<std::chrono::system_clock, Millis>;  // records

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Wall wall() const = 0;
  virtual Mono mono() const = 0;
};
Clock& system_clock();

class FakeClock final : public Clock {
 public:
  Wall wall() const override { return wall_; }
  Mono mono() const override { return mono_; }
  void advance(Millis by) {
    wall_ += by;
    mono_ += by;
  }

 private:
  Wall wall_{Millis(1'700'000'000'000)};
  Mono mono_{};
};

inline constexpr Mono kNever = Mono::max();
inline Mono after(std::chrono::nanoseconds d) { return std::chrono::steady_clock::now() + d; }

std::string iso8601(Wall t);  // 2025-12-19T10:30:00.000Z
std::optional<Wall> parse_iso8601(
    std::string_view text);  // with Z or +hh:mm, 0 to 9 fractional digits, or date only
inline int64_t to_millis(Wall t) { return t.time_since_epoch().count(); }
inline Wall from_millis(int64_t ms) { return Wall(Millis(ms)); }

}  // namespace dt
