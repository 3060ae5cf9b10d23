// Query parameters with the wording of contract api-core §4.3. Violations are collected, as for bodies.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "libs/codec/codec.h"
#include "libs/net/http.h"

namespace dt::api {

struct IntRange {
  int64_t fallback, min, max;
};
int64_t query_int(const Query& query, std::string_view name, IntRange range, Violations& violations);
std::string query_enum(const Query& query, std::string_view name, std::string_view fallback,
                       std::initializer_list<std::string_view> values, Violations& violations);
// Exactly "true" is true, absent is nullopt, everything else is false.
std::optional<bool> query_bool(const Query& query, std::string_view name);
Status checked(const Violations& violations);

}  // namespace dt::api
