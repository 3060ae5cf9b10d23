#include "libs/net/websocket_frame.h"

#include <cstring>

namespace dt::detail {
namespace {

std::unexpected<Error> bad(const char* what) {
  return fail(Code::bad_request, std::string("WebSocket: ") + what);
}

bool known(unsigned opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

uint64_t big_endian(std::string_view bytes) {
  uint64_t out = 0;
  for (char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

}  // namespace

Result<std::optional<FrameHeader>> parse_frame_header(std::string_view bytes, bool expect_masked) {
  if (bytes.size() < 2) return std::nullopt;
  auto first = static_cast<unsigned char>(bytes[0]);
  auto second = static_cast<unsigned char>(bytes[1]);
  FrameHeader h;
  h.fin = first & 0x80;
  h.masked = second & 0x80;
  h.length = second & 0x7f;
  if (first & 0x70) return bad("reserved bits are set");
  if (!known(first & 0x0f)) return bad("unknown opcode");
  if (h.masked != expect_masked) return bad(expect_masked ? "a client must mask" : "a server must not mask");
  h.opcode = static_cast<Opcode>(first & 0x0f);
  bool control = first & 0x08;
  if (control && (!h.fin || h.length > 125)) return bad("control frame fragmented or too long");
  size_t extra = h.length == 126 ? 2 : h.length == 127 ? 8 : 0;
  h.size = 2 + extra + (h.masked ? 4 : 0);
  if (bytes.size() < h.size) return std::nullopt;
  if (extra) {
    h.length = big_endian(bytes.substr(2, extra));
    if (h.length >> 63) return bad("length with the high bit set");
    if (h.length < (extra == 2 ? 126u : 65536u)) return bad("length is not in its shortest form");
  }
  if (h.masked) memcpy(h.key.data(), bytes.data() + 2 + extra, 4);
  return h;
}

void apply_mask(char* data, size_t size, const std::array<unsigned char, 4>& key, size_t phase) {
  unsigned char wide[8];
  for (size_t i = 0; i < 8; ++i) wide[i] = key[(phase + i) & 3];
  uint64_t mask;
  memcpy(&mask, wide, 8);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, data + i, 8);
    word ^= mask;
    memcpy(data + i, &word, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ static_cast<char>(wide[i & 7]));
}

std::string format_frame_header(Opcode opcode, uint64_t length, const std::array<unsigned char, 4>* key) {
  std::string out;
  out += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  unsigned mask_bit = key ? 0x80 : 0;
  int extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
  auto short_length = static_cast<unsigned>(extra == 0 ? length : extra == 2 ? 126 : 127);
  out += static_cast<char>(mask_bit | short_length);
  for (int shift = 8 * (extra - 1); shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
  if (key) out.append(reinterpret_cast<const char*>(key->data()), 4);
  return out;
}

bool valid_close_code(int code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace dt::detail
