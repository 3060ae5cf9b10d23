#include "apps/daemon/files/part_name.h"

namespace dt::daemon {

std::optional<PartName> parse_part_name(std::string_view name) {
  if (!name.starts_with("files[")) return std::nullopt;
  name.remove_prefix(6);
  size_t close = name.find(']');
  if (close == std::string_view::npos || close == 0) return std::nullopt;
  std::string_view member = name.substr(close + 1);
  if (member != ".path" && member != ".file") return std::nullopt;
  return PartName{std::string(name.substr(0, close)), member == ".path"};
}

}  // namespace dt::daemon
