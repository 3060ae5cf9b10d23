#include "libs/net/chunked.h"

#include "libs/base/text.h"

#include <algorithm>

#include "libs/net/http_chars.h"

namespace dt::detail {
namespace {

constexpr size_t kMaxExtension = 1024;
constexpr size_t kMaxTrailers = 8192;
constexpr size_t kMaxDigits = 15;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status bad(const char* what) {
  return fail(Code::bad_request, std::string("malformed chunked body: ") + what);
}

}  // namespace

Result<std::string_view> ChunkedDecoder::next(std::string_view& in) {
  while (!in.empty() && !done()) {
    if (state_ == State::data) {
      std::string_view piece = in.substr(0, std::min<uint64_t>(left_, in.size()));
      in.remove_prefix(piece.size());
      left_ -= piece.size();
      if (left_ == 0) state_ = State::data_cr;
      return piece;
    }
    char c = in.front();
    in.remove_prefix(1);
    TRY_VOID(feed(c));
  }
  return std::string_view();
}

Status ChunkedDecoder::feed(char c) {
  switch (state_) {
    case State::size:
    case State::extension:
    case State::size_lf:
      return feed_size(c);
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r' ? Status() : bad("data longer than its size");
    case State::data_lf:
      state_ = State::size;
      left_ = 0;
      digits_ = overhead_ = 0;
      return c == '\n' ? Status() : bad("CR without LF");
    default:
      return feed_trailer(c);
  }
}

Status ChunkedDecoder::feed_size(char c) {
  if (state_ == State::size_lf) {
    if (c != '\n') return bad("CR without LF");
    state_ = left_ > 0 ? State::data : State::trailer_start;
    overhead_ = 0;
    return {};
  }
  if (state_ == State::extension) {
    if (c == '\r') state_ = State::size_lf;
    if (c != '\r' && !is_field_value_char(c)) return bad("control character");
    return ++overhead_ > kMaxExtension ? bad("extension too long") : Status();
  }
  int digit = hex_digit(c);
  if (digit >= 0) {
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return ++digits_ > kMaxDigits ? bad("size too long") : Status();
  }
  if (digits_ == 0 || (c != ';' && c != '\r')) return bad("size");
  state_ = c == ';' ? State::extension : State::size_lf;
  return {};
}

static bool frames(std::string_view name) {
  return iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") || iequals(name, "Host");
}

Status ChunkedDecoder::feed_trailer(char c) {
  if (++overhead_ > kMaxTrailers) return bad("trailers too long");
  switch (state_) {
    case State::trailer_start:
      if (c == '\r') {
        state_ = State::end_lf;
        return {};
      }
      state_ = State::trailer;
      trailer_.assign(1, c);
      return is_token_char(c) ? Status() : bad("trailer");
    case State::trailer:
      if (c == ':' && frames(trailer_)) return bad("a framing field in the trailers");
      trailer_ += c;
      if (c == '\r') state_ = State::trailer_lf;
      return c == '\r' || is_field_value_char(c) ? Status() : bad("control character");
    case State::trailer_lf:
      state_ = State::trailer_start;
      return c == '\n' ? Status() : bad("CR without LF");
    default:
      state_ = State::done;
      return c == '\n' ? Status() : bad("CR without LF");
  }
}

}  // namespace dt::detail
