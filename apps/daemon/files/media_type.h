// Media types by extension; a short list, because images have no tables.
#pragma once
#include <string_view>

namespace dt::daemon {
inline constexpr std::string_view kAnyType = "application/octet-stream";
std::string_view media_type(std::string_view path);
}  // namespace dt::daemon
