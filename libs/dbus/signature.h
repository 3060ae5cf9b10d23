// Signatures: the types of a message's values (D-Bus specification, "Type System").
#pragma once
#include <string_view>

#include "libs/base/error.h"

namespace dt::dbus {

inline constexpr size_t kMaxSignature = 255;
// Containers inside one another: 32 arrays and 32 structs in a signature, 64 in a value (with variants).
inline constexpr int kMaxDepth = 32;
inline constexpr int kMaxValueDepth = 64;

// Length of the first complete type ("a{sv}i" -> 5). Fails (bad_request) when there is none.
Result<size_t> first_type(std::string_view signature);
// Any number of complete types, at most kMaxSignature characters.
bool valid_signature(std::string_view signature);
bool single_type(std::string_view signature);  // exactly one, as in a variant
// Alignment of values of the type that begins with this character: 1, 2, 4 or 8; 0 when no type does.
size_t alignment_of(char type);
// Size of types whose values all have the same: 1, 2, 4 or 8; 0 for others.
size_t fixed_size(char type);

}  // namespace dt::dbus
