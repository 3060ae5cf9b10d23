// Internals of HttpServer: the state of the server and one connection.
#pragma once
#include <unordered_set>

#include "libs/net/http_server.h"
#include "libs/net/message_body.h"

namespace dt {

namespace detail {
class ServerConnection;
}

struct HttpServer::Impl {
  HttpServer* owner;
  Handler handler;
  HttpLimits limits;
  bool draining = false;
  std::vector<Listener*> listeners;
  std::unordered_set<detail::ServerConnection*> connections;
  Event changed;                        // a connection ended
  TaskScope scope{"http connections"};  // last: its tasks use what is above

  Response error_response(const Error& error) const;
};

namespace detail {

class ServerConnection {
 public:
  ServerConnection(HttpServer::Impl& server, Stream stream);
  ~ServerConnection();
  static Task<void> run(HttpServer::Impl& server, Stream stream);
  void close_if_idle();  // for drain()
  void close_now();

 private:
  Task<void> serve();
  // The size of the next head in the buffer; 0: close without a word.
  Task<Result<size_t>> read_head();
  Task<Result<size_t>> wait_first_byte();
  Result<size_t> check_head(size_t& scanned) const;
  // Serves one request; false: close the connection.
  Task<bool> exchange(std::string_view head);
  Task<bool> answer(const ParsedHead& head, Request& request, Response response);
  Task<bool> upgrade(Response response);
  Task<Response> call_handler(Request& request, bool& threw);
  Task<Status> send_stream(Response& response, MessageWriter::Framing framing, std::string_view head,
                           uint64_t length);
  Task<void> refuse(const Error& error);
  Task<void> linger();
  Result<Request> make_request(ParsedHead& head);
  void start_body(const ParsedHead& head, const Request& request);

  HttpServer::Impl& server_;
  Stream stream_;
  ReadBuffer in_;
  MessageBody body_;
  std::string peer_;
  std::optional<CancelSource> running_;  // of the request that is being handled
  bool idle_ = true;
  bool first_ = true;
};

}  // namespace detail
}  // namespace dt
