// Messages (D-Bus specification, "Message Protocol"). What parse_message() gives is valid throughout: header
// fields, names and every value of the body. Both byte orders are read; the one of this machine is written.
#pragma once
#include "libs/dbus/values.h"

namespace dt::dbus {

inline constexpr size_t kMaxMessage = 128u << 20;
inline constexpr size_t kFixedHeader = 16;

struct Message {
  enum class Type : uint8_t { method_call = 1, method_return = 2, error = 3, signal = 4 };
  static constexpr uint8_t kNoReplyExpected = 1, kNoAutoStart = 2;

  Type type = Type::method_call;
  uint8_t flags = 0;
  uint32_t serial = 0;
  uint32_t reply_serial = 0;  // of returns and errors
  std::string path, interface, member, error_name, destination, sender;
  std::string signature;
  std::string body;
  bool swapped = false;  // the body is in the other byte order

  template <class... Ts>
  void pack(const Ts&... values) {
    signature = detail::signature_of<Ts...>();
    body = detail::encode_values(values...);
  }
  // The values, or bad_gateway when the body has other types.
  template <class... Ts>
  Result<std::tuple<Ts...>> unpack() const {
    if (signature != detail::signature_of<Ts...>()) return wrong_types(detail::signature_of<Ts...>());
    Decoder in(body, swapped);
    std::tuple<Ts...> values{detail::Codec<Ts>::read(in)...};
    if (in.failed()) return wrong_types(signature);
    return values;
  }

 private:
  std::unexpected<Error> wrong_types(const std::string& wanted) const;
};

// Size of the message whose first bytes these are; 0 when fewer than kFixedHeader are there. Fails when they
// begin none.
Result<size_t> message_size(std::string_view start);
// Exactly one message. Fails with bad_request, naming what is wrong.
Result<Message> parse_message(std::string_view bytes);
// Names must be valid (names.h) and `serial` set: a bus hangs up otherwise.
std::string encode_message(const Message& message);

}  // namespace dt::dbus
