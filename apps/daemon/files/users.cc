#include "apps/daemon/files/users.h"

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

std::optional<uint32_t> number(std::string_view text) {
  auto value = parse_int(text);
  // The last number means "leave as it is" to the kernel.
  if (!value || *value < 0 || *value >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

}  // namespace

std::optional<uint32_t> id_of(std::string_view text, const std::string& file) {
  if (auto direct = number(text)) return direct;
  auto content = read_file(file, 8 << 20);
  if (!content) return std::nullopt;
  for (std::string_view line : split(*content, '\n')) {
    std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() > 2 && fields[0] == text) return number(fields[2]);
  }
  return std::nullopt;
}

}  // namespace dt::daemon
