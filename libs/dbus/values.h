// D-Bus values as C++ types. The signature of a type is known when compiling; a message is read only when its
// signature is exactly that of the types asked for.
//
//   y uint8_t   b bool   n int16_t   q uint16_t   i int32_t   u uint32_t   x int64_t   t uint64_t   d double
//   s std::string   o ObjectPath   a std::vector<T>   (…) std::tuple<…>   {kv} std::pair<K, V>   v Variant
#pragma once
#include <optional>
#include <tuple>
#include <vector>

#include "libs/dbus/signature.h"
#include "libs/dbus/wire.h"

namespace dt::dbus {

struct ObjectPath {
  std::string value;
  bool operator==(const ObjectPath&) const = default;
};

// A value that carries its type. Made from a C++ value, or read out of a message; as<T>() is nullopt when it
// holds something else.
struct Variant {
  std::string signature;
  std::string bytes;  // of this machine's byte order, as at the beginning of a body

  template <class T>
  static Variant of(const T& value);
  template <class T>
  std::optional<T> as() const;
};

namespace detail {

template <class T>
struct Codec;

template <class T, char kType>
struct FixedCodec {
  static std::string signature() { return {kType}; }
  static void write(Encoder& out, const T& value) { out.fixed(value); }
  static T read(Decoder& in) { return in.fixed<T>(); }
};
template <>
struct Codec<uint8_t> : FixedCodec<uint8_t, 'y'> {};
template <>
struct Codec<int16_t> : FixedCodec<int16_t, 'n'> {};
template <>
struct Codec<uint16_t> : FixedCodec<uint16_t, 'q'> {};
template <>
struct Codec<int32_t> : FixedCodec<int32_t, 'i'> {};
template <>
struct Codec<uint32_t> : FixedCodec<uint32_t, 'u'> {};
template <>
struct Codec<int64_t> : FixedCodec<int64_t, 'x'> {};
template <>
struct Codec<uint64_t> : FixedCodec<uint64_t, 't'> {};
template <>
struct Codec<double> : FixedCodec<double, 'd'> {};

template <>
struct Codec<bool> {
  static std::string signature() { return "b"; }
  static void write(Encoder& out, bool value) { out.fixed(uint32_t{value}); }
  static bool read(Decoder& in) { return in.fixed<uint32_t>() != 0; }
};

template <>
struct Codec<std::string> {
  static std::string signature() { return "s"; }
  static void write(Encoder& out, const std::string& value) { out.text(value); }
  static std::string read(Decoder& in) { return std::string(in.text()); }
};

template <>
struct Codec<ObjectPath> {
  static std::string signature() { return "o"; }
  static void write(Encoder& out, const ObjectPath& path) { out.text(path.value); }
  static ObjectPath read(Decoder& in) { return {std::string(in.text())}; }
};

template <class T>
struct Codec<std::vector<T>> {
  static std::string signature() { return "a" + Codec<T>::signature(); }
  static size_t alignment() { return alignment_of(Codec<T>::signature()[0]); }
  static void write(Encoder& out, const std::vector<T>& items) {
    size_t begun = out.begin_array(alignment());
    for (const auto& item : items) Codec<T>::write(out, item);
    out.end_array(begun, alignment());
  }
  static std::vector<T> read(Decoder& in) {
    std::vector<T> items;
    size_t end = in.begin_array(alignment());
    while (in.position() < end && !in.failed()) items.push_back(Codec<T>::read(in));
    return items;
  }
};

template <class... Ts>
struct Codec<std::tuple<Ts...>> {
  static std::string signature() { return "(" + (Codec<Ts>::signature() + ...) + ")"; }
  static void write(Encoder& out, const std::tuple<Ts...>& value) {
    out.align(8);
    std::apply([&out](const Ts&... members) { (Codec<Ts>::write(out, members), ...); }, value);
  }
  static std::tuple<Ts...> read(Decoder& in) {
    in.align(8);
    return std::tuple<Ts...>{Codec<Ts>::read(in)...};  // braces: in this order
  }
};

template <class K, class V>
struct Codec<std::pair<K, V>> {
  static std::string signature() { return "{" + Codec<K>::signature() + Codec<V>::signature() + "}"; }
  static void write(Encoder& out, const std::pair<K, V>& entry) {
    out.align(8);
    Codec<K>::write(out, entry.first);
    Codec<V>::write(out, entry.second);
  }
  static std::pair<K, V> read(Decoder& in) {
    in.align(8);
    return std::pair<K, V>{Codec<K>::read(in), Codec<V>::read(in)};
  }
};

template <>
struct Codec<Variant> {
  static std::string signature() { return "v"; }
  static void write(Encoder& out, const Variant& variant);
  static Variant read(Decoder& in);
};

template <class... Ts>
std::string signature_of() {
  return (std::string() + ... + Codec<Ts>::signature());
}

template <class... Ts>
std::string encode_values(const Ts&... values) {
  Encoder out;
  (Codec<Ts>::write(out, values), ...);
  return out.take();
}

}  // namespace detail

template <class T>
Variant Variant::of(const T& value) {
  return {detail::signature_of<T>(), detail::encode_values(value)};
}

template <class T>
std::optional<T> Variant::as() const {
  if (signature != detail::signature_of<T>()) return std::nullopt;
  Decoder in(bytes, false);
  T value = detail::Codec<T>::read(in);
  if (in.failed()) return std::nullopt;
  return value;
}

}  // namespace dt::dbus
