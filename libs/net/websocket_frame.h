// Frames of RFC 6455 §5: parsing of headers, masking, formatting.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::detail {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct FrameHeader {
  bool fin = true;
  Opcode opcode = Opcode::text;
  bool masked = false;
  uint64_t length = 0;
  std::array<unsigned char, 4> key{};
  size_t size = 0;  // of the header itself
};

// nullopt: more bytes are needed. Fails (bad_request) on reserved bits and opcodes, lengths that are not
// minimal or have the high bit set, fragmented or long control frames, and when the masking is not what
// `expect_masked` says.
Result<std::optional<FrameHeader>> parse_frame_header(std::string_view bytes, bool expect_masked);

// XORs `size` bytes with the key, which starts at `phase` (0 to 3).
void apply_mask(char* data, size_t size, const std::array<unsigned char, 4>& key, size_t phase = 0);

// The header of a final frame.
std::string format_frame_header(Opcode opcode, uint64_t length, const std::array<unsigned char, 4>* key);

bool valid_close_code(int code);  // may appear on the wire

}  // namespace dt::detail
