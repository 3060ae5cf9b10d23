// SHA-1 for the WebSocket handshake (RFC 6455 asks for it). Not for anything that needs a secure hash.
#pragma once
#include <string>
#include <string_view>

namespace dt::detail {
std::string sha1(std::string_view bytes);  // 20 bytes
}
