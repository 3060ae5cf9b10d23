// HTTP server on the current loop. One handler for everything; compose stages around it (see pipeline.h).
#pragma once
#include <memory>

#include "libs/net/http.h"
#include "libs/net/stream.h"

namespace dt {

class HttpServer {
 public:
  // The handler must outlive the server. Protocol errors are answered by `on_error` (default: a small JSON
  // body).
  HttpServer(Handler handler, HttpLimits limits = {});
  ~HttpServer();
  std::function<Response(const Error&)> on_error;

  // Accepts until drain(); call once per listener.
  Task<void> serve(Listener& listener);
  // Serves a connection that was accepted elsewhere.
  void adopt(Stream connection);
  // Stops accepting, lets running requests finish until the deadline, then closes what is left.
  Task<void> drain(Mono deadline);
  size_t open_connections() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt
