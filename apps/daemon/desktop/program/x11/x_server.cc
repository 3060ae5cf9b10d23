#include "apps/daemon/desktop/program/x11/x_server.h"

namespace dt::desktop {

XServer::~XServer() { limits_.stop_now(); }

Task<void> XServer::cut_late(std::shared_ptr<Call> call) {
  bool done = co_await call->done.wait(after(answer_limit_));
  if (!done) breaker_.cut();
}

Result<Connection*> XServer::connection() {
  if (connection_ && connection_->broken()) connection_.reset();
  if (!connection_) {
    TRY(connection_, Connection::open(display_, breaker_));
  }
  return connection_.get();
}

}  // namespace dt::desktop
