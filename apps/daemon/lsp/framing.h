// The frames of the Language Server Protocol's base protocol: header lines, among them Content-Length, an
// empty line, so many bytes. A reader survives what programs print between frames by mistake, up to a limit.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::daemon::lsp {

inline constexpr size_t kLargestBody = 32u << 20;
inline constexpr size_t kMostNoise = 64 * 1024;  // bytes before a frame's body, its own header included

class FrameReader {
 public:
  // Bodies that are complete are added to `out`. Fails (bad_gateway) when this is no such stream, or a body
  // is larger than kLargestBody; then the reader is of no use any more.
  Status feed(std::string_view bytes, std::vector<std::string>& out);

 private:
  Result<size_t> feed_header(std::string_view bytes);  // how many were taken
  Status end_line();
  std::string line_;
  size_t noise_ = 0;              // bytes since the last body
  std::optional<size_t> length_;  // of the body, when its header was seen
  bool in_body_ = false;
  std::string body_;
};

std::string frame(std::string_view body);

}  // namespace dt::daemon::lsp
