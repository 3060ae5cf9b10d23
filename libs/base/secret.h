// A value that cannot be formatted, logged or compared by accident. Call reveal() where it is really needed.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/text.h"

namespace dt {
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool equals(std::string_view other) const { return constant_time_equal(value_, other); }

 private:
  std::string value_;
};
}  // namespace dt
