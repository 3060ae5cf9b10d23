// What a worker says to the daemon, one packet of its channel at a time (worker.py describes them), and what
// the client is told: frames of toolbox.md §12.3. User code shares the worker's process, so nothing in a
// packet is trusted: what does not parse is ignored.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dt::daemon::interpreter {

struct Packet {
  enum class Kind { out, err, error_name, error_value, error_traceback, completed, interrupted } kind;
  std::string_view text;  // of the packet: out, err and the parts of an error
  uint64_t run = 0;       // completed, interrupted
};
inline constexpr size_t kPacketLimit = 128 * 1024;

std::optional<Packet> parse_packet(std::string_view bytes);

// A run's request as the worker reads it, without the division into packets.
void append_field(std::string& request, std::string_view field);
std::string number_field(uint64_t run);

// {"type":…,"text":…,"name":…,"value":…,"traceback":…}; bytes that are not UTF-8 become U+FFFD.
struct Frame {
  std::string_view type;
  std::string text, name, value, traceback;
};
std::string frame_json(const Frame& frame);

}  // namespace dt::daemon::interpreter
