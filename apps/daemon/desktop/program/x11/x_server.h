// Access to the X server from a loop: work runs on a thread of its own, one piece at a time in the order of
// the calls, over a connection that is made when needed and made again when the server was restarted. A
// server that does not answer for kAnswerLimit is given up: the work then fails, and nothing waits for ever.
#pragma once
#include <memory>
#include <string>

#include "apps/daemon/desktop/program/serving/turns.h"
#include "apps/daemon/desktop/program/x11/connection.h"

namespace dt::desktop {

class XServer {
 public:
  static constexpr Millis kAnswerLimit{10'000};

  explicit XServer(std::string display, Millis answer_limit = kAnswerLimit)
      : display_(std::move(display)), answer_limit_(answer_limit) {}
  XServer(const XServer&) = delete;
  ~XServer();

  // Result of `work`, a callable (Connection&) -> Result<T> that runs on the thread, or why there is no
  // connection.
  template <class Work>
  auto run(Work work) -> Task<decltype(work(std::declval<Connection&>()))>;

 private:
  struct Call {
    Event done;
  };
  Task<void> cut_late(std::shared_ptr<Call> call);
  Result<Connection*> connection();  // on the thread

  std::string display_;
  Millis answer_limit_;
  Turns turns_;
  Breaker breaker_;
  std::unique_ptr<Connection> connection_;
  TaskScope limits_{"X server limits"};
  WorkerPool thread_{1, "x11"};  // last: its work uses what is above
};

template <class Work>
auto XServer::run(Work work) -> Task<decltype(work(std::declval<Connection&>()))> {
  using Answer = decltype(work(std::declval<Connection&>()));
  auto turn = co_await turns_.mine();
  auto call = std::make_shared<Call>();
  limits_.spawn(cut_late(call));
  Answer answer = co_await thread_.run([this, &work]() -> Answer {
    auto ready = connection();
    if (!ready) return std::unexpected(std::move(ready).error());
    return work(**ready);
  });
  call->done.set();
  co_return answer;
}

}  // namespace dt::desktop
