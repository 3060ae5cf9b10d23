// Arbitrary bytes as a message: the parser ends, and what it accepts survives being written and read again.
#include <cstdint>

#include "libs/dbus/message.h"

namespace {

using namespace dt;
using namespace dt::dbus;

// Reading beyond what was checked would be found by the sanitizers.
void read_values(const Message& message) {
  (void)message.unpack<std::string>();
  (void)message.unpack<Variant>();
  (void)message.unpack<std::vector<std::string>>();
  (void)message.unpack<std::vector<std::tuple<std::string, ObjectPath>>>();
  (void)message.unpack<std::vector<std::pair<std::string, Variant>>>();
}

void write_again(const Message& message) {
  // In our byte order the body may look different: value by value.
  Message copy = message;
  Decoder in(message.body, message.swapped);
  Encoder out;
  std::string_view rest = message.signature;
  while (!rest.empty()) {
    size_t length = *first_type(rest);
    copy_value(rest.substr(0, length), in, out);
    rest.remove_prefix(length);
  }
  CHECK(!in.failed() && in.position() == message.body.size());
  copy.body = out.take();
  copy.swapped = false;
  auto again = parse_message(encode_message(copy));
  CHECK(again.has_value());
  CHECK(again->signature == message.signature && again->path == message.path && again->body == copy.body);
  CHECK(message.swapped || copy.body == message.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)message_size(bytes);
  auto message = parse_message(bytes);
  if (!message) return 0;
  read_values(*message);
  write_again(*message);
  return 0;
}
