// WebSocket connections (RFC 6455), both roles. No compression. Messages are reassembled up to `max_message`.
// One receive at a time; sends may run while a receive waits and are put on the wire one after the other.
#pragma once
#include <memory>
#include <string>

#include "libs/net/http_client.h"
#include "libs/net/stream.h"

namespace dt {

class WebSocket {
 public:
  enum class Role { server, client };
  enum class Kind { text, binary, close };
  struct Message {
    Kind kind;
    std::string data;       // for close: the reason
    int close_code = 1005;  // 1005: none given; 1006: connection lost
  };
  WebSocket(Stream& stream, std::string buffered, Role role, size_t max_message = 16u << 20);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;

  // The next message. Pings are answered and pongs counted inside; a close is echoed and then returned, once;
  // a lost connection is returned as close with 1006, once; afterwards Error{closed}. Protocol errors close
  // with 1002, invalid UTF-8 in text with 1007, too large with 1009. Error{timeout} when the deadline passed:
  // receive again to go on.
  Task<Result<Message>> receive(Mono deadline = kNever);
  Task<Status> send_text(std::string_view text);
  Task<Status> send_binary(std::string_view bytes);
  Task<Status> ping();
  // Sends a close frame; keep receiving to see the answer. Reasons are cut to 123 bytes. Idempotent.
  Task<Status> close(int code, std::string_view reason = {});
  // Ends without a close frame; what was sent still arrives. Pending and later sends fail.
  void hang_up();
  // Gives the connection up at once: pending and later operations fail.
  void abort();
  bool open() const;
  size_t pongs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Opens a WebSocket as client: `request` gives target and headers (sub-protocols too). The answer was
// checked; use WebSocket(response.upgraded(), response.take_buffered(), WebSocket::Role::client) while
// `response` lives. An answer other than 101 is an error with its status' code.
Task<Result<ClientResponse>> websocket_connect(HttpClient& client, const CallContext& ctx, const Endpoint& to,
                                               ClientRequest request);

// The protocol to answer with: the first of `supported` that the client offers, "" when none or nothing was
// offered.
std::string choose_protocol(const Request& request, std::initializer_list<std::string_view> supported);

}  // namespace dt
