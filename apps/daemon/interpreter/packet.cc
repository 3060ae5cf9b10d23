#include "apps/daemon/interpreter/packet.h"

#include "libs/codec/codec.h"

namespace dt::daemon::interpreter {
namespace {

constexpr size_t kNumberBytes = 8;

std::string big_endian(uint64_t value, size_t bytes) {
  std::string out(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
  return out;
}

std::optional<Packet> parse_end(Packet::Kind kind, std::string_view number) {
  if (number.size() != kNumberBytes) return std::nullopt;
  Packet packet{.kind = kind};
  for (char c : number) packet.run = packet.run << 8 | static_cast<unsigned char>(c);
  return packet;
}

}  // namespace

std::optional<Packet> parse_packet(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  std::string_view rest = bytes.substr(1);
  switch (bytes[0]) {
    case 'o':
      return Packet{.kind = Packet::Kind::out, .text = rest};
    case 'e':
      return Packet{.kind = Packet::Kind::err, .text = rest};
    case 'n':
      return Packet{.kind = Packet::Kind::error_name, .text = rest};
    case 'v':
      return Packet{.kind = Packet::Kind::error_value, .text = rest};
    case 't':
      return Packet{.kind = Packet::Kind::error_traceback, .text = rest};
    case 'c':
      return parse_end(Packet::Kind::completed, rest);
    case 'i':
      return parse_end(Packet::Kind::interrupted, rest);
    default:
      return std::nullopt;
  }
}

void append_field(std::string& request, std::string_view field) {
  request += big_endian(field.size(), 4);
  request += field;
}

std::string number_field(uint64_t run) { return big_endian(run, kNumberBytes); }

std::string frame_json(const Frame& frame) {
  std::string out;
  out.reserve(frame.text.size() + frame.text.size() / 16 + 64);
  out += "{\"type\":\"" + std::string(frame.type) + "\",\"text\":";
  codec::write_string(out, frame.text);
  out += ",\"name\":";
  codec::write_string(out, frame.name);
  out += ",\"value\":";
  codec::write_string(out, frame.value);
  out += ",\"traceback\":";
  codec::write_string(out, frame.traceback);
  out += '}';
  return out;
}

}  // namespace dt::daemon::interpreter
