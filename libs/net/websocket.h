// WebSocket connections (RFC 6455), both roles. No compression. Messages are reassembled up to `max_message`.
#pragma once
#include <memory>
#include <string>

#include "libs/net/stream.h"

namespace dt {

class WebSocket {
 public:
  enum class Role { server, client };
  enum class Kind { text, binary, close };
  struct Message {
    Kind kind;
    std::string data;        // for close: the reason
    int close_code = 1005;   // 1005: none given; 1006: connection lost
  };
  WebSocket(Stream& stream, std::string buffered, Role role, size_t max_message = 16u << 20);
  ~WebSocket();

  // The next message. Pings are answered and pongs counted inside; a close is echoed and then returned, once; afterwards
  // Error{closed}. Protocol errors close with 1002, invalid UTF-8 in text with 1007, too large with 1009.
  Task<Result<Message>> receive(Mono deadline = kNever);
  Task<Status> send_text(std::string_view text);
  Task<Status> send_binary(std::string_view bytes);
  Task<Status> ping();
  // Reasons are cut to 123 bytes. Idempotent.
  Task<Status> close(int code, std::string_view reason = {});
  bool open() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt
