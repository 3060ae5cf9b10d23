#include "apps/daemon/ssh/server/socket_channel.h"

namespace dt::ssh {

SocketChannel::SocketChannel(ssh_session session, ssh_channel channel, Fd socket, Opener opener)
    : Relay(session, channel), socket_(std::move(socket)), opener_(std::move(opener)) {
  if (!opener_) start();
}

void SocketChannel::start() {
  auto input = socket_.dup();
  if (!input) return finish();
  attach(std::move(*input), Input::socket, std::move(socket_), {});
}

void SocketChannel::turn() {
  if (opener_) {
    int rc = opener_(channel_);
    if (rc == SSH_AGAIN) return;
    opener_ = {};
    if (rc != SSH_OK) return finish();  // the client refuses
    start();
  }
  Relay::turn();
}

void SocketChannel::watch(PollSet& set) {
  if (!opener_) Relay::watch(set);
}

void SocketChannel::progress() {
  if (client_closed()) drop_output();
  if (output_done()) end_output();
  // What the client sent before it closed is still on its way to the socket.
  if (output_done() && input_done()) finish();
}

}  // namespace dt::ssh
