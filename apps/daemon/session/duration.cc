#include "apps/daemon/session/duration.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr double kLongest = 1e12;  // ms, 30 years

// In ms; 0 for an unknown unit.
double unit_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}}};
  for (const auto& [unit, value] : kUnits)
    if (unit == name) return value;
  return 0;
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    auto number = parse_double(text.substr(0, digits));
    text.remove_prefix(digits);
    size_t length = std::min(text.find_first_of("0123456789."), text.size());
    double unit = unit_of(text.substr(0, length));
    if (!number || unit == 0) return std::nullopt;
    text.remove_prefix(length);
    total += *number * unit;
    if (total > kLongest) return std::nullopt;
  }
  return Millis(static_cast<int64_t>(total));
}

}  // namespace dt::daemon
