// Queries and percent decoding.
#include <cstdint>

#include "libs/base/text.h"
#include "libs/net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto query = dt::Query::parse(text);
  if (query) (void)query->get("a");
  auto decoded = dt::percent_decode(text);
  if (decoded) CHECK(dt::percent_decode(dt::percent_encode(*decoded)).value() == *decoded);
  return 0;
}
