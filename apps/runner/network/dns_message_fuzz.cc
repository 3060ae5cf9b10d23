#include "apps/runner/network/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  if (auto question = dt::runner::parse_query(message)) {
    std::string reply = dt::runner::server_failure(message, *question);
    if (!dt::runner::answers(reply, *question)) __builtin_trap();
  }
  (void)dt::runner::answers(message, {});
  return 0;
}
