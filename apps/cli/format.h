// What people and scripts see: states, ages, tables, JSON and YAML. Pure functions.
#pragma once
#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"

namespace dt::cli {

std::string state_label(std::string_view state);                 // "started" -> "STARTED"; unknown texts "/"
std::string age_label(std::string_view iso8601_time, Wall now);  // "5 minutes ago"; unreadable "/"

// Columns when they fit into `width` (0: no limit), else one block for each row, separated by "===".
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::string text(size_t width) const;
};

// "json" indents by two; "yaml" writes member names in lower case. Any other format counts as JSON.
std::string formatted(const boost::json::value& value, std::string_view format);

}  // namespace dt::cli
