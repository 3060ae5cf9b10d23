// The data types of SSH and SFTP (RFC 4251, section 5): big-endian numbers and strings with a length.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dt::ssh {

inline void put_u8(std::string& out, uint8_t value) { out += static_cast<char>(value); }
inline void put_u32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}
inline void put_u64(std::string& out, uint64_t value) {
  put_u32(out, static_cast<uint32_t>(value >> 32));
  put_u32(out, static_cast<uint32_t>(value));
}
inline void put_string(std::string& out, std::string_view text) {
  put_u32(out, static_cast<uint32_t>(text.size()));
  out += text;
}

// Reads from a packet that it does not own. After the first value that is not there everything is empty and
// ok() is false.
class WireReader {
 public:
  explicit WireReader(std::string_view packet) : rest_(packet) {}
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  std::string_view string() { return take(u32()); }
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }

 private:
  std::string_view take(size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  uint64_t number(size_t size) {
    uint64_t value = 0;
    for (char c : take(size)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace dt::ssh
