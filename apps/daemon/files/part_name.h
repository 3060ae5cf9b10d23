// Names of the parts of a bulk upload: "files[7].path" and "files[7].file".
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace dt::daemon {

struct PartName {
  std::string index;  // any text; it pairs a path with its file
  bool is_path = false;
};
// nullopt: another field, which is ignored.
std::optional<PartName> parse_part_name(std::string_view name);

}  // namespace dt::daemon
