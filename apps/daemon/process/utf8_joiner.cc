#include "apps/daemon/process/utf8_joiner.h"

namespace dt::daemon {
namespace {

// Length of the character that starts with `c`; 1 for what is no start.
size_t announced(unsigned char c) {
  if (c < 0xC2 || c > 0xF4) return 1;
  return c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
}

// How many bytes at the end are the start of a character that is not complete: 0 to 3.
size_t open_tail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    auto c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xC0) == 0x80) continue;
    return announced(c) > back ? back : 0;
  }
  return 0;
}

}  // namespace

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

}  // namespace dt::daemon
