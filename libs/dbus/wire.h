// Values as bytes (D-Bus specification, "Marshaling (Wire Format)"): the primitive steps. Whole values of C++
// types: values.h. Positions count from the beginning of the body, which is aligned to 8 in its message, so
// that padding comes out right.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::dbus {

inline constexpr size_t kMaxArray = 64u << 20;  // bytes of the elements of an array

// Appends in the byte order of this machine.
class Encoder {
 public:
  void align(size_t to) { bytes_.resize((bytes_.size() + to - 1) / to * to, '\0'); }
  template <class T>
  void fixed(T value) {
    align(sizeof value);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value);       // s, o
  void signature(std::string_view value);  // g
  // The elements come between begin and end; `element` is their alignment.
  size_t begin_array(size_t element);
  void end_array(size_t begun, size_t element);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads values that were validated (validate()); out of bounds it gives zeros and remembers that. A copy is a
// position.
class Decoder {
 public:
  Decoder(std::string_view bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}
  template <class T>
  T fixed() {
    T value{};
    std::string_view from = take(sizeof value, sizeof value);
    if (from.empty()) return value;
    char raw[sizeof value];
    for (size_t i = 0; i < sizeof value; ++i) raw[i] = from[swapped_ ? sizeof value - 1 - i : i];
    memcpy(&value, raw, sizeof value);
    return value;
  }
  std::string_view text();
  std::string_view signature();
  void align(size_t to) { take(to, 0); }
  size_t begin_array(size_t element);  // where the array ends
  size_t position() const { return at_; }
  bool swapped() const { return swapped_; }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  // Moves over a value of this one type, with all checks of the specification: zero padding, lengths,
  // booleans, UTF-8, names, depth. Fails with bad_request.
  Status skip(std::string_view type, int depth = 0);

 private:
  std::string_view take(size_t alignment, size_t size);
  Status skip_basic(char type);
  Status skip_text(char type);
  Status skip_array(std::string_view element, int depth);
  Status skip_members(std::string_view members, int depth);
  Status skip_variant(int depth);

  std::string_view bytes_;
  size_t at_ = 0;
  bool swapped_;
  bool failed_ = false;
};

// Copies a value of this one type, which was validated; byte order and padding become those of `out`.
void copy_value(std::string_view type, Decoder& in, Encoder& out);

// Whether the bytes are exactly the values of this (valid) signature.
Status validate(std::string_view signature, std::string_view bytes, bool swapped);

}  // namespace dt::dbus
