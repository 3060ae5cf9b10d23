// One execution of code and what its client has yet to be sent. Shared by the connection, which sends, and
// the context, which fills; either may end first. Loop thread only.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apps/daemon/interpreter/packet.h"
#include "libs/net/loop.h"

namespace dt::daemon::interpreter {

struct RunRequest {
  std::string code;
  std::optional<std::string> context;  // nullopt: the default context
  std::map<std::string, std::string> envs;
  std::chrono::seconds timeout{600};  // 0: none
};

struct CloseFrame {
  int code;
  std::string reason;
};

class Run {
 public:
  // What may wait for the client. When it is full the worker is not read, so its code waits in its writes.
  static constexpr size_t kWaitingBytes = 256 * 1024;
  // A client that takes nothing for so long while it is full gets no more output.
  static constexpr Millis kSlowClient{10'000};

  explicit Run(RunRequest r) : request(std::move(r)) {}
  RunRequest request;

  // For the context. Text of the same kind is joined while it waits.
  void add_text(std::string_view type, std::string_view text);
  void add(Frame frame);
  bool full() const { return !dropping_ && bytes_ >= kWaitingBytes; }
  // Until there is room. A client that is too slow is given up: 1008 "slow consumer".
  Task<void> room();
  void never_wait();           // from now on output that finds no room is dropped
  void end(CloseFrame frame);  // nothing is added any more; the first one counts
  bool ended() const { return close_.has_value(); }

  // For the connection. The next frame as JSON, nullopt when there is none now.
  std::optional<std::string> next();
  const std::optional<CloseFrame>& close_frame() const { return close_; }
  Task<void> changed();
  void client_gone();  // output is dropped from now on, the code goes on
  bool gone() const { return gone_; }

 private:
  std::deque<Frame> waiting_;
  size_t bytes_ = 0;
  bool dropping_ = false;
  bool gone_ = false;
  std::optional<CloseFrame> close_;
  Event changed_;
  Event room_;
};

}  // namespace dt::daemon::interpreter
