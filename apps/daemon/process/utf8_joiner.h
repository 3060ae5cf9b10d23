// Bytes that arrive in pieces, given on without tearing UTF-8 characters apart.
#pragma once
#include <string>
#include <string_view>

namespace dt::daemon {

class Utf8Joiner {
 public:
  // What can be given on now; the start of a character at the end is kept. Valid until the next call.
  std::string_view feed(std::string_view bytes);
  std::string_view rest();  // what was kept, for the end

 private:
  std::string text_;
  size_t given_ = 0;
};

}  // namespace dt::daemon
