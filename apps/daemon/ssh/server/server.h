// One SSH connection, served on the thread that calls run(): libssh does the transport and the key exchange;
// channels, programs and forwarding are ours. Whoever connects has been authenticated on the way here, so
// everybody is let in.
#pragma once
#include <libssh/callbacks.h>
#include <libssh/server.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/ssh/server/command_channel.h"
#include "apps/daemon/ssh/server/libssh_hooks.h"
#include "apps/daemon/ssh/server/listener.h"

namespace dt::ssh {

class Server : private PacketHooks {
 public:
  // `environment` is what programs inherit.
  explicit Server(const char* const* environment);
  ~Server() override;
  // Until the connection ends or SIGTERM comes. `seed` as in host_key.h.
  Status run(Fd connection, std::string_view seed);

 private:
  struct Target;
  Status prepare(int fd, std::string_view seed);
  Status exchange_keys();
  void serve();
  bool handle_signals();
  void wait(bool again);
  void dispatch();
  void update_sources();
  bool alive() const;
  void add(std::unique_ptr<EventSource> source) { added_.push_back(std::move(source)); }

  ssh_channel open_session();
  int message(ssh_message m);
  bool channel_open_packet(std::string_view packet) override;
  bool global_request_packet(std::string_view packet) override;
  void answer_open(const std::string& packet, Fd target);
  int forward_tcp(ssh_message m);
  int cancel_tcp(ssh_message m);
  int forward_unix(ssh_message m, const std::string& path);
  bool cancel(const std::string& key);
  void forward(Fd connection, std::function<int(ssh_channel)> opener);
  std::string agent_socket();

  ssh_bind bind_ = nullptr;
  ssh_session session_ = nullptr;
  ssh_event event_ = nullptr;
  ssh_server_callbacks_struct callbacks_{};
  ssh_counter_struct received_{};
  Fd signals_;
  CommandContext commands_;
  PollSet set_;
  std::vector<std::unique_ptr<EventSource>> sources_;
  std::vector<std::unique_ptr<EventSource>> added_;  // since the turn began
  bool fresh_ = false;
  std::map<std::string, ForwardListener*> forwards_;  // by what the client asked for; owned by sources_
  std::string agent_path_;
  Fd open_target_;  // of the CHANNEL_OPEN that is being replayed
};

}  // namespace dt::ssh
