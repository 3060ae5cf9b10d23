#include "libs/base/clock.h"

#include <fmt/core.h>

#include <ctime>

namespace dt {
namespace {
class SystemClock final : public Clock {
 public:
  Wall wall() const override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
  Mono mono() const override { return std::chrono::steady_clock::now(); }
};

// Reads exactly `count` digits from the front of `s`.
bool digits(std::string_view& s, int count, int& out) {
  out = 0;
  if (s.size() < static_cast<size_t>(count)) return false;
  for (int i = 0; i < count; ++i) {
    if (s[static_cast<size_t>(i)] < '0' || s[static_cast<size_t>(i)] > '9') return false;
    out = out * 10 + (s[static_cast<size_t>(i)] - '0');
  }
  s.remove_prefix(static_cast<size_t>(count));
  return true;
}
bool eat(std::string_view& s, char c) {
  if (s.empty() || s[0] != c) return false;
  s.remove_prefix(1);
  return true;
}
}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::string iso8601(Wall t) {
  int64_t ms = to_millis(t);
  int64_t sec = ms / 1000, rest = ms % 1000;
  if (rest < 0) rest += 1000, sec -= 1;
  std::time_t tt = sec;
  std::tm tm{};
  gmtime_r(&tt, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, rest);
}

std::optional<Wall> parse_iso8601(std::string_view s) {
  int y, mo, d, h = 0, mi = 0, sec = 0, ms = 0, offset = 0;
  if (!digits(s, 4, y) || !eat(s, '-') || !digits(s, 2, mo) || !eat(s, '-') || !digits(s, 2, d))
    return std::nullopt;
  if (mo < 1 || mo > 12 || d < 1 || d > 31) return std::nullopt;
  if (!s.empty()) {
    if (!(eat(s, 'T') || eat(s, 't') || eat(s, ' '))) return std::nullopt;
    if (!digits(s, 2, h) || !eat(s, ':') || !digits(s, 2, mi)) return std::nullopt;
    if (eat(s, ':') && !digits(s, 2, sec)) return std::nullopt;
    if (h > 23 || mi > 59 || sec > 60) return std::nullopt;
    if (eat(s, '.')) {
      int scale = 100, n = 0;
      while (!s.empty() && s[0] >= '0' && s[0] <= '9') {
        ms += (s[0] - '0') * scale;
        scale /= 10;
        s.remove_prefix(1);
        if (++n > 9) return std::nullopt;
      }
      if (n == 0) return std::nullopt;
    }
    if (!s.empty() && !eat(s, 'Z') && !eat(s, 'z')) {
      int sign = s[0] == '-' ? -1 : s[0] == '+' ? 1 : 0, oh, om;
      if (sign == 0) return std::nullopt;
      s.remove_prefix(1);
      if (!digits(s, 2, oh)) return std::nullopt;
      eat(s, ':');
      if (!digits(s, 2, om)) return std::nullopt;
      offset = sign * (oh * 60 + om);
    }
    if (!s.empty()) return std::nullopt;
  }
  std::tm tm{};
  tm.tm_year = y - 1900, tm.tm_mon = mo - 1, tm.tm_mday = d, tm.tm_hour = h, tm.tm_min = mi, tm.tm_sec = sec;
  return from_millis((static_cast<int64_t>(timegm(&tm)) - offset * 60) * 1000 + ms);
}

}  // namespace dt
