#include "libs/dbus/signature.h"

namespace dt::dbus {
namespace {

std::unexpected<Error> bad(std::string_view why) {
  return fail(Code::bad_request, "D-Bus signature: " + std::string(why));
}

bool basic(char c) { return c != '\0' && std::string_view("ybnqiuxtdhsog").contains(c); }

struct Depth {
  int arrays = 0;
  int structs = 0;
};

Result<size_t> type_length(std::string_view text, Depth depth, bool in_array);

Result<size_t> struct_length(std::string_view text, Depth depth) {
  if (++depth.structs > kMaxDepth) return bad("more than 32 structs inside one another");
  size_t at = 1;
  while (at < text.size() && text[at] != ')') {
    TRY(size_t member, type_length(text.substr(at), depth, false));
    at += member;
  }
  if (at >= text.size()) return bad("a struct without its end");
  if (at == 1) return bad("an empty struct");
  return at + 1;
}

// "{kv}", an element of an array: exactly two types, the first of them basic.
Result<size_t> entry_length(std::string_view text, Depth depth) {
  if (++depth.structs > kMaxDepth) return bad("more than 32 structs inside one another");
  if (text.size() < 2 || !basic(text[1])) return bad("the key of a dictionary must have a basic type");
  TRY(size_t value, type_length(text.substr(2), depth, false));
  if (text.size() <= 2 + value || text[2 + value] != '}') return bad("a dictionary entry has two types");
  return value + 3;
}

Result<size_t> type_length(std::string_view text, Depth depth, bool in_array) {
  if (text.empty()) return bad("a type is missing");
  char c = text[0];
  if (basic(c) || c == 'v') return 1;
  if (c == '(') return struct_length(text, depth);
  if (c == '{' && in_array) return entry_length(text, depth);
  if (c != 'a') return bad("a character that begins no type here");
  if (++depth.arrays > kMaxDepth) return bad("more than 32 arrays inside one another");
  TRY(size_t element, type_length(text.substr(1), depth, true));
  return element + 1;
}

}  // namespace

Result<size_t> first_type(std::string_view signature) { return type_length(signature, {}, false); }

bool valid_signature(std::string_view signature) {
  if (signature.size() > kMaxSignature) return false;
  while (!signature.empty()) {
    auto length = first_type(signature);
    if (!length) return false;
    signature.remove_prefix(*length);
  }
  return true;
}

bool single_type(std::string_view signature) {
  if (signature.size() > kMaxSignature) return false;
  auto length = first_type(signature);
  return length && *length == signature.size();
}

size_t alignment_of(char type) {
  switch (type) {
    case 'y':
    case 'g':
    case 'v':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'b':
    case 'i':
    case 'u':
    case 'h':
    case 's':
    case 'o':
    case 'a':
      return 4;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
      return 8;
    default:
      return 0;
  }
}

size_t fixed_size(char type) {
  return std::string_view("ybnqiuxtdh").contains(type) ? alignment_of(type) : 0;
}

}  // namespace dt::dbus
