// Chunked bodies: the result must not depend on where the input was cut.
#include <cstdint>

#include "libs/net/chunked.h"

namespace {

struct Outcome {
  std::string data;
  bool failed = false;
  bool done = false;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view text, size_t step) {
  dt::detail::ChunkedDecoder decoder;
  Outcome out;
  while (!text.empty() && !decoder.done()) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    while (!piece.empty() && !decoder.done()) {
      auto data = decoder.next(piece);
      out.failed = !data;
      if (!data) return out;
      out.data += *data;
    }
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Outcome whole = decode(text, text.size() + 1);
  CHECK(whole == decode(text, 1));
  CHECK(whole == decode(text, 1 + data[0] % 17));
  return 0;
}
