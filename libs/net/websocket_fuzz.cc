// A server that receives arbitrary bytes: it must end, and what it answers must be valid frames.
#include <sys/socket.h>

#include <cstdint>

#include "libs/net/websocket.h"
#include "libs/net/websocket_frame.h"

namespace {

using namespace dt;

Task<void> receive_all(std::string bytes, size_t cut) {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  Stream near{Fd(fds[0])};
  Stream far{Fd(fds[1])};
  auto sent = co_await far.write_all(std::string_view(bytes).substr(cut));
  CHECK(sent.has_value());
  (void)far.shutdown_write();
  {
    WebSocket socket(near, bytes.substr(0, cut), WebSocket::Role::server, 64 * 1024);
    for (;;) {
      auto message = co_await socket.receive();
      if (!message) break;
    }
    CHECK(!socket.open());
  }
  (void)near.shutdown_write();
  std::string answer;
  char buffer[4096];
  for (;;) {
    auto got = co_await far.read_some(buffer);
    if (!got || *got == 0) break;
    answer.append(buffer, *got);
  }
  for (std::string_view rest = answer; !rest.empty();) {
    auto header = detail::parse_frame_header(rest, false);
    CHECK(header && *header);
    CHECK(rest.size() >= (*header)->size + (*header)->length);
    rest.remove_prefix((*header)->size + (*header)->length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 30'000) return 0;
  static dt::Loop loop;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t cut = bytes.empty() ? 0 : data[0] % (bytes.size() + 1);
  loop.run_until(receive_all(std::move(bytes), cut));
  return 0;
}
