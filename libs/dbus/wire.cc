#include "libs/dbus/wire.h"

#include "libs/base/text.h"
#include "libs/dbus/names.h"
#include "libs/dbus/signature.h"

namespace dt::dbus {
namespace {

std::unexpected<Error> bad(std::string_view why) {
  return dt::fail(Code::bad_request, "D-Bus value: " + std::string(why));
}

}  // namespace

void Encoder::text(std::string_view value) {
  fixed(static_cast<uint32_t>(value.size()));
  bytes_ += value;
  bytes_ += '\0';
}

void Encoder::signature(std::string_view value) {
  bytes_ += static_cast<char>(value.size());
  bytes_ += value;
  bytes_ += '\0';
}

size_t Encoder::begin_array(size_t element) {
  fixed(uint32_t{0});
  size_t length_at = bytes_.size() - sizeof(uint32_t);
  align(element);
  return length_at;
}

void Encoder::end_array(size_t begun, size_t element) {
  size_t first = (begun + sizeof(uint32_t) + element - 1) / element * element;
  auto length = static_cast<uint32_t>(bytes_.size() - first);
  memcpy(bytes_.data() + begun, &length, sizeof length);
}

// Padding must be zero.
std::string_view Decoder::take(size_t alignment, size_t size) {
  size_t start = (at_ + alignment - 1) / alignment * alignment;
  if (failed_ || start > bytes_.size() || bytes_.size() - start < size) {
    failed_ = true;
    return {};
  }
  for (; at_ < start; ++at_)
    if (bytes_[at_] != '\0') failed_ = true;
  at_ = start + size;
  return bytes_.substr(start, size);
}

std::string_view Decoder::text() {
  auto length = fixed<uint32_t>();
  std::string_view with_end = take(1, size_t{length} + 1);
  if (with_end.empty() || with_end.back() != '\0') {
    failed_ = true;
    return {};
  }
  return with_end.substr(0, length);
}

std::string_view Decoder::signature() {
  auto length = fixed<uint8_t>();
  std::string_view with_end = take(1, size_t{length} + 1);
  if (with_end.empty() || with_end.back() != '\0') {
    failed_ = true;
    return {};
  }
  return with_end.substr(0, length);
}

size_t Decoder::begin_array(size_t element) {
  auto length = fixed<uint32_t>();
  take(element, 0);
  if (length > kMaxArray || length > bytes_.size() - at_) failed_ = true;
  return failed_ ? at_ : at_ + length;
}

Status Decoder::skip_text(char type) {
  std::string_view value = type == 'g' ? signature() : text();
  if (failed_) return bad("a text that ends behind its message, or without a zero");
  if (type == 'g' && !valid_signature(value)) return bad("a signature that is none");
  if (type == 'o' && !valid_object_path(value)) return bad("an object path that is none");
  if (type == 's' && (value.contains('\0') || !valid_utf8(value))) return bad("a text that is not UTF-8");
  return {};
}

Status Decoder::skip_basic(char type) {
  if (type == 's' || type == 'o' || type == 'g') return skip_text(type);
  if (type == 'b') {
    if (fixed<uint32_t>() > 1) return bad("a boolean that is neither 0 nor 1");
  } else {
    take(fixed_size(type), fixed_size(type));
  }
  if (failed_) return bad("the bytes end within a value, or padding is not zero");
  return {};
}

Status Decoder::skip_members(std::string_view members, int depth) {
  take(8, 0);
  while (!members.empty()) {
    TRY(size_t length, first_type(members));
    TRY_VOID(skip(members.substr(0, length), depth));
    members.remove_prefix(length);
  }
  return {};
}

Status Decoder::skip_array(std::string_view element, int depth) {
  size_t end = begin_array(alignment_of(element[0]));
  if (failed_) return bad("an array that is longer than its message or 64 MiB");
  // Elements without inner rules need no look at each.
  size_t size = fixed_size(element[0]);
  if (size > 0 && element[0] != 'b') {
    if ((end - at_) % size != 0) return bad("an array that ends within an element");
    at_ = end;
    return {};
  }
  while (at_ < end) TRY_VOID(skip(element, depth));
  if (at_ != end) return bad("an array that ends within an element");
  return {};
}

Status Decoder::skip_variant(int depth) {
  std::string_view inner = signature();
  if (failed_ || !single_type(inner)) return bad("a variant without one type");
  return skip(inner, depth);
}

Status Decoder::skip(std::string_view type, int depth) {
  if (depth > kMaxValueDepth) return bad("more than 64 containers inside one another");
  switch (type[0]) {
    case 'v':
      return skip_variant(depth + 1);
    case 'a':
      return skip_array(type.substr(1), depth + 1);
    case '(':
    case '{':
      return skip_members(type.substr(1, type.size() - 2), depth + 1);
    default:
      return skip_basic(type[0]);
  }
}

namespace {

void copy_basic(char type, Decoder& in, Encoder& out) {
  if (type == 's' || type == 'o') return out.text(in.text());
  if (type == 'g') return out.signature(in.signature());
  switch (fixed_size(type)) {
    case 1:
      return out.fixed(in.fixed<uint8_t>());
    case 2:
      return out.fixed(in.fixed<uint16_t>());
    case 4:
      return out.fixed(in.fixed<uint32_t>());
    default:
      return out.fixed(in.fixed<uint64_t>());
  }
}

void copy_array(std::string_view element, Decoder& in, Encoder& out) {
  size_t alignment = alignment_of(element[0]);
  size_t end = in.begin_array(alignment);
  size_t begun = out.begin_array(alignment);
  while (in.position() < end && !in.failed()) copy_value(element, in, out);
  out.end_array(begun, alignment);
}

void copy_members(std::string_view members, Decoder& in, Encoder& out) {
  in.align(8);
  out.align(8);
  while (!members.empty()) {
    auto length = first_type(members);
    if (!length) return in.fail();
    copy_value(members.substr(0, *length), in, out);
    members.remove_prefix(*length);
  }
}

void copy_variant(Decoder& in, Encoder& out) {
  std::string_view inner = in.signature();
  if (!single_type(inner)) return in.fail();
  out.signature(inner);
  copy_value(inner, in, out);
}

}  // namespace

void copy_value(std::string_view type, Decoder& in, Encoder& out) {
  switch (type[0]) {
    case 'v':
      return copy_variant(in, out);
    case 'a':
      return copy_array(type.substr(1), in, out);
    case '(':
    case '{':
      return copy_members(type.substr(1, type.size() - 2), in, out);
    default:
      return copy_basic(type[0], in, out);
  }
}

Status validate(std::string_view signature, std::string_view bytes, bool swapped) {
  Decoder decoder(bytes, swapped);
  while (!signature.empty()) {
    TRY(size_t length, first_type(signature));
    TRY_VOID(decoder.skip(signature.substr(0, length)));
    signature.remove_prefix(length);
  }
  if (decoder.position() != bytes.size()) return bad("bytes behind the last value");
  return {};
}

}  // namespace dt::dbus
