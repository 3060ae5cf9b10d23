#include "apps/daemon/terminal/utf8_text.h"

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

// Of the character that starts with `c`; 1 for what starts none.
size_t length_from(unsigned char c) {
  if (c < 0xc2 || c > 0xf4) return 1;
  return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

// How many bytes at the end begin a character that is not complete.
size_t open_tail(std::string_view bytes) {
  for (size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    auto c = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((c & 0xc0) == 0x80) continue;
    return length_from(c) > back ? back : 0;
  }
  return 0;
}

}  // namespace

std::string_view Utf8Text::take(std::string_view bytes) {
  if (!held_.empty()) {
    text_ = std::move(held_);
    text_ += bytes;
    bytes = text_;
  }
  size_t tail = open_tail(bytes);
  held_ = bytes.substr(bytes.size() - tail);
  bytes.remove_suffix(tail);
  if (valid_utf8(bytes)) return bytes;
  text_ = replace_invalid_utf8(bytes);
  return text_;
}

}  // namespace dt::daemon
