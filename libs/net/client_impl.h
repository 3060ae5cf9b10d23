// Internals of HttpClient: connections, their pool, one exchange.
#pragma once
#include <map>

#include "libs/net/http_client.h"
#include "libs/net/message_body.h"

namespace dt {

namespace detail {

struct ClientConnection {
  Stream stream;
  ReadBuffer in;
  std::string key;
  bool reused = false;
  Mono idle_since{};
};

}  // namespace detail

// Idle connections by endpoint, newest last. A connection that the peer closes leaves at once.
struct HttpClient::Impl {
  Options options;
  std::map<std::string, std::vector<std::unique_ptr<detail::ClientConnection>>, std::less<>> idle;
  bool purging = false;
  TaskScope scope{"http client"};

  std::unique_ptr<detail::ClientConnection> take(const std::string& key, bool verify);
  void give_back(std::unique_ptr<detail::ClientConnection> connection);
  void drop(const std::string& key, detail::ClientConnection* connection);
  Task<void> purge();
};

struct ClientResponse::Impl {
  std::weak_ptr<HttpClient::Impl> pool;
  std::unique_ptr<detail::ClientConnection> connection;
  detail::MessageBody body;
  CancelSource cancel;
  size_t cancel_id = 0;
  bool keep_alive = false;
  // Sending of a streamed body.
  bool sending = false;
  bool body_touched = false;
  Status sent;
  bool source_failed = false;
  std::optional<TaskScope> sender;

  explicit Impl(std::unique_ptr<detail::ClientConnection> c);
  ~Impl();
  void listen(const CallContext& ctx);
  void release();  // the exchange is over: back to the pool or closed
};

}  // namespace dt
