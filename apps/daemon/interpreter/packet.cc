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

// How many bytes at the end are the start of a character that is not complete: 0 to 3.
size_t open_tail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    auto c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xC0) == 0x80) continue;
    size_t want = c >= 0xF0 && c < 0xF8 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
    if (c >= 0xF8) want = 1;
    return want > back ? back : 0;
  }
  return 0;
}

}  // namespace

std::optional<Packet> parse_packet(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  std::string_view rest = bytes.substr(1);
  switch (bytes[0]) {
    case 'o':
    case 'O':
      return Packet{.kind = Packet::Kind::out, .raw_first = bytes[0] == 'O', .text = rest};
    case 'e':
    case 'E':
      return Packet{.kind = Packet::Kind::err, .raw_first = bytes[0] == 'E', .text = rest};
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

std::string_view Utf8Joiner::feed(std::string_view bytes) {
  text_.erase(0, given_);
  text_ += bytes;
  given_ = text_.size() - open_tail(text_);
  return std::string_view(text_).substr(0, given_);
}

std::string_view Utf8Joiner::rest() {
  text_.erase(0, given_);
  given_ = text_.size();
  return text_;
}

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
