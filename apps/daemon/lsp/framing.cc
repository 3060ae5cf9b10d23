#include "apps/daemon/lsp/framing.h"

#include <algorithm>

#include "libs/base/text.h"

namespace dt::daemon::lsp {
namespace {

constexpr std::string_view kLengthName = "content-length:";
constexpr size_t kQuoted = 120;  // of noise, in an error

}  // namespace

// "Content-Length: 12"; a program may have printed something without a line end before it.
Status FrameReader::end_line() {
  std::string_view text = trim(line_);
  size_t at = lower(text).rfind(kLengthName);
  if (at != std::string::npos) {
    auto value = parse_int(trim(text.substr(at + kLengthName.size())));
    if (!value || *value < 0) return fail(Code::bad_gateway, "a message without a usable Content-Length");
    if (static_cast<uint64_t>(*value) > kLargestBody)
      return fail(Code::bad_gateway, "a message of " + std::to_string(*value) + " bytes, more than " +
                                         std::to_string(kLargestBody >> 20) + " MiB");
    length_ = static_cast<size_t>(*value);
  }
  in_body_ = text.empty() && length_;
  line_.clear();
  return {};
}

Result<size_t> FrameReader::feed_header(std::string_view bytes) {
  size_t end = bytes.find('\n');
  size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  line_.append(bytes.substr(0, std::min(size, kMostNoise + 1)));
  noise_ += size;
  if (noise_ > kMostNoise)
    return fail(Code::bad_gateway,
                "no messages but \"" + replace_invalid_utf8(line_.substr(0, kQuoted)) + "…\"");
  if (end != std::string_view::npos) TRY_VOID(end_line());
  return size;
}

Status FrameReader::feed(std::string_view bytes, std::vector<std::string>& out) {
  while (!bytes.empty() || (in_body_ && *length_ == 0)) {
    if (!in_body_) {
      TRY(size_t taken, feed_header(bytes));
      bytes.remove_prefix(taken);
      continue;
    }
    size_t size = std::min(bytes.size(), *length_ - body_.size());
    body_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (body_.size() < *length_) continue;
    out.push_back(std::exchange(body_, {}));
    length_.reset();
    in_body_ = false;
    noise_ = 0;
  }
  return {};
}

std::string frame(std::string_view body) {
  std::string out = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return out.append(body);
}

}  // namespace dt::daemon::lsp
