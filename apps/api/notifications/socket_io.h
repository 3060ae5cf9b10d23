// The notification gateway: Socket.IO over WebSocket at /api/socket.io/. A client that shows a good API key
// hears the events of the key's organization. A client that does not read is dropped when `max_queued` bytes
// wait for it. Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "apps/api/notifications/hub.h"
#include "apps/api/pipeline/route.h"
#include "libs/net/loop.h"
#include "libs/net/websocket.h"

namespace dt::api {

class SocketIo {
 public:
  using Authenticate = std::function<Result<std::shared_ptr<const Principal>>(std::string_view token)>;
  struct Options {
    Millis ping_interval{25'000};
    Millis ping_timeout{20'000};
    Millis connect_timeout{45'000};  // from the opening to a good CONNECT
    size_t max_queued = 4u << 20;    // bytes waiting for one client
  };
  SocketIo(EventHub& hub, Authenticate authenticate) : SocketIo(hub, std::move(authenticate), Options{}) {}
  SocketIo(EventHub& hub, Authenticate authenticate, Options options);
  ~SocketIo();
  std::vector<ApiRoute> table();
  // Tells every client to go, and refuses new ones.
  void close();
  size_t clients() const { return sessions_.size(); }

 private:
  class Session;
  Result<Response> open(Call& call);
  static Task<void> serve(SocketIo& gateway, WebSocket& socket);

  EventHub& hub_;
  Authenticate authenticate_;
  Options options_;
  bool closed_ = false;
  std::set<Session*> sessions_;
};

}  // namespace dt::api
