// Makes one outgoing TCP connection in a process of its own, because looking up names blocks. The result is
// given to `done` once: a connected non-blocking socket, or an empty Fd.
#pragma once
#include <functional>
#include <string>

#include "apps/daemon/ssh/server/event_source.h"
#include "libs/base/fd.h"

namespace dt::ssh {

class Connector : public EventSource {
 public:
  using Done = std::function<void(Fd)>;
  Connector(std::string host, uint16_t port, Done done);

  void turn() override;
  void watch(PollSet& set) override;
  void ready(int fd, short events) override;
  bool finished() const override { return !done_; }

 private:
  Fd result_;
  Done done_;
};

}  // namespace dt::ssh
