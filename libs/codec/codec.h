// Described structs to and from JSON. A struct takes part by BOOST_DESCRIBE_STRUCT(Name, (), (members…));
// member names are the wire names. Every violation of a body is collected, in member order, with the wording
// of the contract (api-core §4.3).
//
//   type                       absent or null          wrong type
//   std::optional<T>           nullopt                 violation
//   T (no optional)            violation               violation
//   Defaulted<T>               the given default       violation
//   bj::value / bj::object     null / violation        -
//
// A trailing underscore is not part of the wire name, so that a member can be called `public_`.
// Rules beyond types go into  void check(const Body&, Violations&)  found by argument-dependent look-up.
// Strings that are not UTF-8 are repaired on the way out (each bad byte becomes U+FFFD), never an error.
#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/members.hpp>
#include <boost/json.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt {

// A body member that may be absent or null and then has its default.
template <class T>
struct Defaulted {
  T value{};
  Defaulted() = default;
  Defaulted(T v) : value(std::move(v)) {}  // NOLINT: members are initialised with plain values
  operator const T&() const { return value; }
  const T& operator*() const { return value; }
};

class Violations {
 public:
  void add(std::string text) { items_.push_back(std::move(text)); }
  bool empty() const { return items_.empty(); }
  std::string joined() const { return join(items_, ", "); }
  const std::vector<std::string>& items() const { return items_; }

 private:
  std::vector<std::string> items_;
};

namespace codec {
namespace bj = boost::json;

template <class T>
concept Described = boost::describe::has_describe_members<T>::value;
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsDefaulted : std::false_type {};
template <class T>
struct IsDefaulted<Defaulted<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
using Members =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

inline std::string_view wire_member(std::string_view name) {
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}

// --- encode: straight into text, no intermediate value
// ------------------------------------------------------------

void write_string(std::string& out, std::string_view text);
void write_double(std::string& out, double value);

template <class T>
void write(std::string& out, const T& v) {
  if constexpr (std::is_same_v<T, bool>) {
    out += v ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(v);
  } else if constexpr (std::is_floating_point_v<T>) {
    write_double(out, v);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    write_string(out, v);
  } else if constexpr (std::is_same_v<T, bj::value> || std::is_same_v<T, bj::object> ||
                       std::is_same_v<T, bj::array>) {
    out += bj::serialize(v);
  } else if constexpr (IsOptional<T>::value) {
    v ? write(out, *v) : void(out += "null");
  } else if constexpr (IsDefaulted<T>::value) {
    write(out, v.value);
  } else if constexpr (IsVector<T>::value) {
    out += '[';
    bool first = true;
    for (const auto& item : v) {
      if (!std::exchange(first, false)) out += ',';
      write(out, item);
    }
    out += ']';
  } else if constexpr (IsMap<T>::value) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : v) {
      if (!std::exchange(first, false)) out += ',';
      write_string(out, key);
      out += ':';
      write(out, item);
    }
    out += '}';
  } else {
    static_assert(Described<T>, "describe this struct with BOOST_DESCRIBE_STRUCT");
    out += '{';
    bool first = true;
    boost::mp11::mp_for_each<Members<T>>([&](auto d) {
      if constexpr (requires { T::omit_null(d.name); }) {
        // A struct may leave out absent members instead of sending null.
        if constexpr (IsOptional<std::remove_cvref_t<decltype(v.*d.pointer)>>::value)
          if (!(v.*d.pointer) && T::omit_null(wire_member(d.name))) return;
      }
      if (!std::exchange(first, false)) out += ',';
      out += '"';
      out += wire_member(d.name);
      out += "\":";
      write(out, v.*d.pointer);
    });
    out += '}';
  }
}

// --- decode
// --------------------------------------------------------------------------------------------------------

struct Where {
  std::string path;  // "volumes.0.mountPath"
  Violations& violations;
  bool each = false;  // element of an array
  void report(std::string_view rule) const {
    violations.add((each ? "each value in " : "") + path + " " + std::string(rule));
  }
};

template <class T>
void read(const bj::value& j, T& out, const Where& at);

template <class T>
void read_member(const bj::object& object, std::string_view name, T& out, const std::string& prefix,
                 Violations& violations) {
  const bj::value* j = object.if_contains(name);
  bool absent = !j || j->is_null();
  Where at{prefix + std::string(name), violations};
  if constexpr (IsOptional<T>::value) {
    if (!absent) read(*j, out.emplace(), at);
  } else if constexpr (IsDefaulted<T>::value) {
    if (!absent) read(*j, out.value, at);
  } else if constexpr (std::is_same_v<T, bj::value>) {
    if (j) out = *j;
  } else {
    static const bj::value null;
    read(absent ? null : *j, out, at);
  }
}

template <class T>
void read(const bj::value& j, T& out, const Where& at) {
  if constexpr (std::is_same_v<T, bool>) {
    j.is_bool() ? void(out = j.get_bool()) : at.report("must be a boolean value");
  } else if constexpr (std::is_integral_v<T>) {
    double d = j.is_int64() ? 0 : j.is_uint64() ? 0 : j.is_double() ? j.get_double() : NAN;
    if (j.is_int64() && std::in_range<T>(j.get_int64())) {
      out = static_cast<T>(j.get_int64());
    } else if (j.is_double() && d == std::floor(d) && std::abs(d) < 9e15 &&
               std::in_range<T>(static_cast<int64_t>(d))) {
      out = static_cast<T>(d);
    } else {
      at.report(j.is_number() ? "must be an integer number"
                              : "must be a number conforming to the specified constraints");
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    j.is_number() ? void(out = j.to_number<T>())
                  : at.report("must be a number conforming to the specified constraints");
  } else if constexpr (std::is_same_v<T, std::string>) {
    j.is_string() ? void(out.assign(j.get_string().data(), j.get_string().size()))
                  : at.report("must be a string");
  } else if constexpr (std::is_same_v<T, bj::value>) {
    out = j;
  } else if constexpr (std::is_same_v<T, bj::object>) {
    j.is_object() ? void(out = j.get_object()) : at.report("must be an object");
  } else if constexpr (IsVector<T>::value) {
    if (!j.is_array()) return at.report("must be an array");
    for (size_t i = 0; i < j.get_array().size(); ++i) {
      using Item = typename T::value_type;
      constexpr bool scalar = std::is_arithmetic_v<Item> || std::is_same_v<Item, std::string>;
      Item item{};
      size_t before = at.violations.items().size();
      read(j.get_array()[i], item,
           Where{scalar ? at.path : at.path + "." + std::to_string(i), at.violations, scalar});
      if (scalar && at.violations.items().size() != before) return;  // said once for all elements
      out.push_back(std::move(item));
    }
  } else if constexpr (IsMap<T>::value) {
    if (!j.is_object()) return at.report("must be an object");
    for (const auto& [key, item] : j.get_object())
      read(item, out[std::string(key)], Where{at.path + "." + std::string(key), at.violations});
  } else {
    static_assert(Described<T>, "describe this struct with BOOST_DESCRIBE_STRUCT");
    if (!j.is_object()) return at.report("must be an object");
    std::string prefix = at.path.empty() ? "" : at.path + ".";
    boost::mp11::mp_for_each<Members<T>>([&](auto d) {
      read_member(j.get_object(), wire_member(d.name), out.*d.pointer, prefix, at.violations);
    });
  }
}

}  // namespace codec

template <class T>
std::string encode(const T& value) {
  std::string out;
  out.reserve(512);
  codec::write(out, value);
  return out;
}

// An empty text counts as {}. Not JSON: invalid_body; violations: bad_request with all of them joined by ",
// ".
template <class T>
Result<T> decode(std::string_view text) {
  TRY(auto j, json::parse(trim(text).empty() ? std::string_view("{}") : text));
  T out{};
  Violations violations;
  codec::read(j, out, codec::Where{"", violations});
  if constexpr (requires { check(out, violations); }) check(out, violations);
  if (!violations.empty()) return fail(Code::bad_request, violations.joined());
  return out;
}

}  // namespace dt
