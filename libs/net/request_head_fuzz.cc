// Request heads: whatever is accepted must mean the same after being written again.
#include <cstdint>

#include "libs/net/http.h"
#include "libs/net/read_buffer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t scanned = 0;
  auto end = dt::detail::find_head_end(text, scanned);
  if (!end || *end == 0) {
    (void)dt::parse_request_head(text);
    return 0;
  }
  auto head = dt::parse_request_head(text.substr(0, *end));
  if (!head) return 0;
  CHECK(!(head->chunked && head->content_length));
  CHECK(head->http_1_0 || head->headers.count("Host") == 1);
  std::string line = head->method + " " + head->target + (head->http_1_0 ? " HTTP/1.0" : " HTTP/1.1");
  auto again = dt::parse_request_head(dt::format_head(head->headers, line));
  CHECK(again.has_value());
  CHECK(again->target == head->target && again->headers.all() == head->headers.all());
  CHECK(again->chunked == head->chunked && again->content_length == head->content_length);
  CHECK(again->keep_alive == head->keep_alive);
  return 0;
}
