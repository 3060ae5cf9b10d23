// Tells work on another thread that nobody waits for it any more. Loop thread only, as long as the request.
#pragma once
#include <memory>

#include "apps/daemon/files/tree_walk.h"
#include "libs/net/http.h"

namespace dt::daemon {

class ClientGone {
 public:
  ClientGone(const Request& request, std::shared_ptr<Ended> ended)
      : cancel_(request.ctx.cancel),
        id_(cancel_.on_cancel([ended = std::move(ended)] { ended->now = true; })) {}
  ~ClientGone() { cancel_.remove(id_); }
  ClientGone(const ClientGone&) = delete;

 private:
  CancelSource cancel_;
  size_t id_;
};

}  // namespace dt::daemon
