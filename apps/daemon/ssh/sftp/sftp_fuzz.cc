// SFTP requests as a client might send them.
#include <cstddef>

#include "apps/daemon/ssh/sftp/protocol.h"
#include "libs/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dt::ssh;
  std::string_view packet(reinterpret_cast<const char*>(data), size);
  uint32_t id = 0;
  auto request = decode_request(packet, id);
  if (!request) return 0;
  // What was decoded lies within the packet, and attributes survive the way back.
  CHECK(request->subject.size() + request->second.size() + request->data.size() <= size);
  std::string again;
  put_attributes(again, request->attributes);
  std::string open;
  put_u8(open, static_cast<uint8_t>(Op::setstat));
  put_u32(open, id);
  put_string(open, request->subject);
  open += again;
  auto second = decode_request(open, id);
  CHECK(second.has_value());
  CHECK(second->attributes.size == request->attributes.size &&
        second->attributes.mode == request->attributes.mode);
  return 0;
}
