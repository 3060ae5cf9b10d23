// Sockets that wait on the client's behalf (remote forwarding, the agent): each connection becomes a channel.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/ssh/server/event_source.h"
#include "libs/base/fd.h"

namespace dt::ssh {

class ForwardListener : public EventSource {
 public:
  using Accepted = std::function<void(Fd, std::string peer, uint16_t peer_port)>;
  // Addresses as in RFC 4254, 7.1: "" and "*" are all, "localhost" both loopbacks. Port 0: any, the same for
  // all addresses.
  static Result<std::unique_ptr<ForwardListener>> tcp(const std::string& address, uint16_t port);
  // Parents are made (0700), what is there is replaced.
  static Result<std::unique_ptr<ForwardListener>> unix_socket(const std::string& path);
  ~ForwardListener() override;

  void watch(PollSet& set) override;
  void ready(int fd, short events) override;
  bool finished() const override { return stopped_; }
  uint16_t port() const { return port_; }
  void stop() { stopped_ = true; }
  Accepted accepted;
  std::string remove_directory;  // at the end, with the socket

 private:
  ForwardListener() = default;
  std::vector<Fd> sockets_;
  uint16_t port_ = 0;
  std::string path_;
  bool stopped_ = false;
};

// Connects at once or not at all.
Fd connect_unix(const std::string& path);

}  // namespace dt::ssh
