// The few packets of Engine.IO 4 and Socket.IO 5 that this server speaks (contract api-core §18.2, clients.md
// §8.2). Text only.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"

namespace dt::api::socketio {

inline constexpr size_t kMaxPayload = 1'000'000;  // bytes, from clients
inline constexpr std::string_view kPing = "2";
inline constexpr std::string_view kClose = "1";

std::string open_packet(std::string_view sid, Millis ping_interval, Millis ping_timeout);
std::string connected_packet(std::string_view sid);
// `name_space` empty: the default one.
std::string refused_packet(std::string_view name_space, std::string_view message);
std::string event_packet(std::string_view event, std::string_view payload_json);

enum class Kind { pong, connect, disconnect, close, other };
struct Packet {
  Kind kind = Kind::other;
  std::string name_space;  // "/admin"; empty: the default one
  std::string token;       // connect: the credential in its payload
};
Packet parse_packet(std::string_view text);

}  // namespace dt::api::socketio
