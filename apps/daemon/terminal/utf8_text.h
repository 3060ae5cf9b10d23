// Bytes that arrive in pieces as pieces of valid UTF-8: the start of a character at the end of a piece is
// held back, what is no UTF-8 becomes U+FFFD. Valid pieces are not copied.
#pragma once
#include <string>
#include <string_view>

namespace dt::daemon {

class Utf8Text {
 public:
  // What can be shown now; may be empty. Valid until the next call and as long as `bytes`.
  std::string_view take(std::string_view bytes);

 private:
  std::string held_;  // at most 3 bytes
  std::string text_;
};

}  // namespace dt::daemon
