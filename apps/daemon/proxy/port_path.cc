#include "apps/daemon/proxy/port_path.h"

#include <algorithm>

#include "apps/daemon/http/pipeline.h"
#include "libs/base/text.h"

namespace dt::daemon {
bool is_port_path(std::string_view path) { return path.starts_with(kPortsPrefix); }

Result<PortPath> parse_port_path(std::string_view path) {
  path.remove_prefix(std::min(kPortsPrefix.size(), path.size()));
  size_t slash = std::min(path.find('/'), path.size());
  std::string_view digits = path.substr(0, slash);
  bool plain = !digits.empty() && digits.size() <= 5 && digits[0] != '0' &&
               std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  auto port = plain ? parse_int(digits) : std::nullopt;
  if (!port || *port > 65'535)
    return fail(Code::bad_request, "failed to parse target URL: invalid port \"" +
                                       std::string(digits.substr(0, 20)) + "\" after host");
  std::string_view rest = path.substr(slash);
  return PortPath{static_cast<uint16_t>(*port), rest.empty() ? "/" : rest};
}

}  // namespace dt::daemon
