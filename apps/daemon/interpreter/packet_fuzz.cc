// A worker may send anything: packets parse or are ignored, text in any division comes out whole, frames are
// valid JSON.
#include <cstdint>

#include "apps/daemon/interpreter/packet.h"
#include "apps/daemon/process/utf8_joiner.h"
#include "libs/base/error.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

#include <boost/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dt::daemon;
  using namespace dt::daemon::interpreter;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto packet = parse_packet(bytes);
  if (packet) CHECK(packet->text.size() < bytes.size());

  std::string joined;
  Utf8Joiner joiner;
  for (size_t at = 0; at < bytes.size();) {
    size_t step = 1 + static_cast<unsigned char>(bytes[at]) % 7;
    std::string_view piece = joiner.feed(bytes.substr(at, step));
    // A piece ends within a character only where the bytes are not UTF-8 at all.
    if (dt::valid_utf8(bytes)) CHECK(dt::valid_utf8(piece));
    joined += piece;
    at += step;
  }
  joined += joiner.rest();
  CHECK(joined == bytes);

  std::string text(bytes);
  auto frame = dt::json::parse(frame_json({.type = "stdout", .text = text, .name = text, .traceback = text}));
  CHECK(frame && frame->is_object() && frame->get_object().size() == 5);
  if (dt::valid_utf8(bytes)) CHECK(frame->at("text").as_string() == text);
  return 0;
}
