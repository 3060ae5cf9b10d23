#include "apps/api/pipeline/query.h"

#include <algorithm>

#include "libs/base/text.h"

namespace dt::api {

int64_t query_int(const Query& query, std::string_view name, IntRange range, Violations& violations) {
  auto text = query.get(name);
  if (!text || text->empty()) return range.fallback;
  auto value = parse_int(*text);
  std::string p(name);
  if (!value) {
    violations.add(p + " must be an integer number");
  } else if (*value < range.min) {
    violations.add(p + " must not be less than " + std::to_string(range.min));
  } else if (*value > range.max) {
    violations.add(p + " must not be greater than " + std::to_string(range.max));
  }
  return value.value_or(range.fallback);
}

std::string query_enum(const Query& query, std::string_view name, std::string_view fallback,
                       std::initializer_list<std::string_view> values, Violations& violations) {
  auto text = query.get(name);
  if (!text || text->empty()) return std::string(fallback);
  if (std::ranges::find(values, *text) == values.end()) {
    std::vector<std::string> list(values.begin(), values.end());
    violations.add(std::string(name) + " must be one of the following values: " + join(list, ", "));
  }
  return std::string(*text);
}

std::optional<bool> query_bool(const Query& query, std::string_view name) {
  auto text = query.get(name);
  return text ? std::optional(*text == "true") : std::nullopt;
}

Status checked(const Violations& violations) {
  return violations.empty() ? Status{} : fail(Code::bad_request, violations.joined());
}

}  // namespace dt::api
