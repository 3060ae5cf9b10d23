// HTTP client with kept connections, for one loop. Bodies stream in both directions.
#pragma once
#include <memory>

#include "libs/net/http.h"
#include "libs/net/stream.h"

namespace dt {

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;                    // Host is set from the endpoint when absent
  std::string body;                   // used when body_reader is null
  BodyReader* body_reader = nullptr;  // streamed: with its length, or chunked
  // An answer that comes before the whole body was sent ends the sending, unless `duplex`: then it goes on
  // while the answer is read, and body_reader must live as long as the ClientResponse.
  bool duplex = false;
};

class ClientResponse {
 public:
  ClientResponse();
  ~ClientResponse();
  ClientResponse(ClientResponse&&) noexcept;
  ClientResponse& operator=(ClientResponse&&) noexcept;
  int status = 0;
  Headers headers;
  // Valid as long as this object. Reading it to the end returns the connection to the pool; dropping it early
  // closes it.
  BodyReader& body();
  // After status 101: the raw stream and bytes already read.
  Stream& upgraded();
  std::string take_buffered();
  struct Impl;
  std::unique_ptr<Impl> impl;
};

class HttpClient {
 public:
  struct Options {
    size_t idle_per_endpoint = 64;
    Millis idle_timeout{30'000};
    Millis connect_timeout{5'000};
    // Makes connections in place of dt::connect(), for endpoints that only this function understands.
    std::function<Task<Result<Stream>>(const Endpoint&, Mono deadline)> connect;
  };
  HttpClient();
  explicit HttpClient(Options options);
  ~HttpClient();

  // Fails with unavailable (nobody listens), timeout, cancelled, closed, io, bad_gateway (nonsense came
  // back), or with the error of body_reader. Sends the request and reads the response head. A kept connection
  // that turned out to be closed before any byte of the answer is retried once on a new connection when
  // nothing of a streamed body was consumed, and, for methods that are not idempotent, only when the server
  // cannot have read the request. No other retries.
  Task<Result<ClientResponse>> send(const CallContext& ctx, const Endpoint& to, ClientRequest request);
  // Small exchanges: sends and reads the whole body (at most `limit` bytes).
  struct Reply {
    int status;
    Headers headers;
    std::string body;
  };
  Task<Result<Reply>> call(const CallContext& ctx, const Endpoint& to, ClientRequest request,
                           size_t limit = 8u << 20);
  // Sees to it that a kept connection is there, so that a caller knows before it gives a request away.
  Task<Status> prepare(const CallContext& ctx, const Endpoint& to);
  void forget(const Endpoint& to);  // closes idle connections to it

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  // responses return their connections to it
};

// Reverse proxy: sends `request` to the endpoint with another target and gives its answer as a Response that
// streams (bodies and upgraded connections are pumped, never buffered). Hop-by-hop headers are removed,
// `edit` may change the others.
struct ForwardOptions {
  std::string target;
  std::function<void(Headers&)> edit_request;
  std::function<void(Headers&)> edit_response;
};
// Errors of the other side become bad_gateway, unavailable or gateway_timeout. `request` must outlive the
// Response.
Task<Result<Response>> forward(HttpClient& client, Request& request, Endpoint to, ForwardOptions options);

}  // namespace dt
