// What a path below /proxy/ means. Pure.
#pragma once
#include <cstdint>
#include <string_view>

#include "libs/base/error.h"

namespace dt::daemon {

constexpr uint16_t kToolboxPort = 2280;

struct PortPath {
  uint16_t port = 0;
  std::string_view rest;  // as received, with its percent-encoding; starts with '/'
};

bool is_port_path(std::string_view path);
// bad_request when the port is not 1 to 65535 in plain digits. `path` must outlive the result.
Result<PortPath> parse_port_path(std::string_view path);

}  // namespace dt::daemon
