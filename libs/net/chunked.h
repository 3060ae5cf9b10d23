// Decoder of the chunked transfer coding (RFC 9112 §7.1), byte by byte for the framing, in pieces for the
// data.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::detail {

class ChunkedDecoder {
 public:
  // Takes framing and at most one piece of data off the front of `in`. An empty result means that `in` is
  // used up or, when done(), that the body ended. Chunk extensions and trailers are dropped; both are
  // bounded. A trailer that names a framing field is refused: somebody behind us could believe it.
  Result<std::string_view> next(std::string_view& in);
  bool done() const { return state_ == State::done; }
  // Inside a chunk: bytes of data that follow without framing.
  uint64_t data_left() const { return state_ == State::data ? left_ : 0; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    end_lf,
    done
  };
  Status feed(char c);
  Status feed_size(char c);
  Status feed_trailer(char c);

  State state_ = State::size;
  uint64_t left_ = 0;
  size_t digits_ = 0;
  std::string trailer_;  // name of the current trailer field, as far as it was read
  size_t overhead_ = 0;  // bytes of extensions of this chunk, or of the trailer section
};

}  // namespace dt::detail
