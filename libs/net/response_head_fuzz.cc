// Response heads.
#include <cstdint>

#include "libs/net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto head = dt::parse_response_head({reinterpret_cast<const char*>(data), size});
  if (!head) return 0;
  CHECK(head->status >= 100 && head->status <= 599);
  CHECK(!(head->chunked && head->content_length));
  auto again = dt::parse_response_head(
      dt::format_head(head->headers, head->http_1_0 ? "HTTP/1.0 200 OK" : "HTTP/1.1 200 OK"));
  CHECK(again && again->headers.all() == head->headers.all());
  return 0;
}
