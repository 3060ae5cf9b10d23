#include "apps/api/notifications/packets.h"

#include <fmt/core.h>

#include <boost/json.hpp>

#include "libs/codec/json.h"

namespace dt::api::socketio {

namespace {

// What follows "40": "/namespace," and a JSON object, both optional.
Packet parse_connect(std::string_view rest) {
  Packet out{.kind = Kind::connect, .name_space = {}, .token = {}};
  if (rest.starts_with('/')) {
    size_t comma = rest.find(',');
    out.name_space = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (out.name_space == "/") out.name_space.clear();
  auto payload = json::parse(rest);
  if (!payload || !payload->is_object()) return out;
  const auto* token = payload->get_object().if_contains("token");
  if (token && token->is_string()) out.token = std::string_view(token->get_string());
  return out;
}

}  // namespace

std::string open_packet(std::string_view sid, Millis ping_interval, Millis ping_timeout) {
  return fmt::format(R"(0{{"sid":"{}","upgrades":[],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}})",
                     sid, ping_interval.count(), ping_timeout.count(), kMaxPayload);
}

std::string connected_packet(std::string_view sid) { return fmt::format(R"(40{{"sid":"{}"}})", sid); }

std::string refused_packet(std::string_view name_space, std::string_view message) {
  std::string place = name_space.empty() ? "" : std::string(name_space) + ",";
  return "44" + place + "{\"message\":" + json::quote(message) + "}";
}

std::string event_packet(std::string_view event, std::string_view payload_json) {
  return "42[" + json::quote(event) + "," + std::string(payload_json) + "]";
}

Packet parse_packet(std::string_view text) {
  if (text.starts_with("3")) return {.kind = Kind::pong, .name_space = {}, .token = {}};
  if (text.starts_with("40")) return parse_connect(text.substr(2));
  if (text == "41") return {.kind = Kind::disconnect, .name_space = {}, .token = {}};
  if (text == "1") return {.kind = Kind::close, .name_space = {}, .token = {}};
  return {};
}

}  // namespace dt::api::socketio
