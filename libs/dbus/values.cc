#include "libs/dbus/values.h"

namespace dt::dbus::detail {

void Codec<Variant>::write(Encoder& out, const Variant& variant) {
  out.signature(variant.signature);
  Decoder in(variant.bytes, false);
  copy_value(variant.signature, in, out);
}

Variant Codec<Variant>::read(Decoder& in) {
  Variant variant;
  variant.signature = in.signature();
  if (!single_type(variant.signature)) {
    in.fail();
    return {};
  }
  Encoder bytes;
  copy_value(variant.signature, in, bytes);
  variant.bytes = bytes.take();
  return variant;
}

}  // namespace dt::dbus::detail
