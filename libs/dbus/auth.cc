#include "libs/dbus/auth.h"

#include <unistd.h>

#include "libs/base/text.h"

namespace dt::dbus {
namespace {

constexpr size_t kMaxLine = 16 * 1024;

// One line without its end.
Task<Result<std::string>> read_line(Stream& stream, std::string& buffer, Mono deadline) {
  for (;;) {
    size_t end = buffer.find("\r\n");
    if (end != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 2);
      co_return line;
    }
    if (buffer.size() > kMaxLine) co_return fail(Code::bad_gateway, "D-Bus handshake: a line without end");
    char piece[1024];
    auto got = co_await stream.read_some(piece, deadline);
    if (!got) co_return std::unexpected(got.error().context("D-Bus handshake"));
    if (*got == 0) co_return fail(Code::closed, "D-Bus handshake: the bus closed the connection");
    buffer.append(piece, *got);
  }
}

}  // namespace

Task<Status> authenticate(Stream& stream, std::string& left, Mono deadline) {
  // The credentials travel with the zero byte; the identity is the decimal user id, in hex.
  std::string hello =
      std::string(1, '\0') + "AUTH EXTERNAL " + hex_encode(std::to_string(::geteuid())) + "\r\n";
  CO_TRY_VOID(co_await stream.write_all(hello, deadline));
  CO_TRY(std::string answer, co_await read_line(stream, left, deadline));
  if (answer != "OK" && !answer.starts_with("OK "))
    co_return fail(Code::forbidden, "D-Bus handshake: the bus refused user " + std::to_string(::geteuid()) +
                                        " with \"" + replace_invalid_utf8(answer) + "\"");
  co_return co_await stream.write_all("BEGIN\r\n", deadline);
}

}  // namespace dt::dbus
