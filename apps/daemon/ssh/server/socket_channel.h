// A forwarded connection: a channel on one side, a socket on the other.
#pragma once
#include <functional>

#include "apps/daemon/ssh/server/relay.h"

namespace dt::ssh {

class SocketChannel : public Relay {
 public:
  // Asks the client for the channel; SSH_AGAIN: call again later. Empty: the channel is open.
  using Opener = std::function<int(ssh_channel)>;
  SocketChannel(ssh_session session, ssh_channel channel, Fd socket, Opener opener = {});
  void turn() override;
  void watch(PollSet& set) override;

 protected:
  void progress() override;

 private:
  void start();
  Fd socket_;  // until the channel is open
  Opener opener_;
};

}  // namespace dt::ssh
