// Internals shared by the files of this folder: suspended coroutines, timers, the ready queue. Not for other
// modules.
#pragma once
#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "libs/net/loop.h"

struct epoll_event;

namespace dt {

namespace detail {

// An entry of the loop's timer heap. Arming and cancelling are O(log n); a disarmed timer costs nothing.
struct Timer {
  static constexpr size_t kIdle = ~size_t{0};
  Mono when{};
  size_t index = kIdle;
  Loop::Impl* loop = nullptr;
  void (*fire)(Timer&) = nullptr;

  Timer() = default;
  Timer(const Timer&) = delete;
  ~Timer() { disarm(); }
  bool armed() const { return index != kIdle; }
  void arm(Loop::Impl& on, Mono at);
  void disarm();
};

// A coroutine that waits for something with a deadline. wake() puts it into the ready queue, at most once.
// Destroying a Suspension (because its coroutine frame is destroyed) takes it out of everything it is part
// of.
class Suspension : private Timer {
 public:
  Suspension(const Suspension&) = delete;
  void wake(bool result);
  bool result() const { return result_; }

 protected:
  Suspension() = default;
  ~Suspension() = default;  // derived destructors call cancel_wait() first
  void suspend(std::coroutine_handle<> h, Mono deadline);
  void cancel_wait() {
    if (waiting_) detach();
    waiting_ = false;
  }
  virtual void detach() = 0;  // leaves the list of whoever would wake it

 private:
  static void on_timer(Timer& timer);
  ReadyNode node_;
  bool waiting_ = false;
  bool result_ = false;
};

// Waits of one direction of a descriptor.
class IoWait final : public Suspension {
 public:
  enum Direction { in = 0, out = 1 };
  IoWait(Watch::Impl& watch, Direction direction, Mono deadline)
      : watch_(&watch), direction_(direction), deadline_(deadline) {}
  ~IoWait() { cancel_wait(); }
  bool await_ready();
  void await_suspend(std::coroutine_handle<> h);
  bool await_resume() const { return ready_ || result(); }

 private:
  void detach() override;
  friend struct dt::Watch::Impl;
  Watch::Impl* watch_;
  Direction direction_;
  Mono deadline_;
  bool ready_ = false;
};

// Suspends through the ready queue when this resumption has used up its share of operations, so that a
// connection with endless input does not starve the others.
struct FairShare {
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> h);
  void await_resume() const noexcept {}
  ReadyNode node;
};

}  // namespace detail

namespace detail {

// Where other threads leave work for a loop. Outlives the loop as long as a thread holds it; then work is
// dropped.
struct Mailbox {
  Fd wakeup;
  std::atomic<bool> filled{false};
  std::mutex mutex;
  std::vector<std::move_only_function<void()>> posted;  // guarded by mutex
  bool closed = false;                                  // guarded by mutex

  void post(std::move_only_function<void()> fn, bool wake_loop);
  void wake();
  std::vector<std::move_only_function<void()>> take();
};

}  // namespace detail

struct Watch::Impl {
  int fd = -1;
  Loop::Impl* loop = nullptr;  // where it is registered
  Watch::Impl* prev = nullptr;
  Watch::Impl* next = nullptr;
  detail::IoWait* waiter[2] = {nullptr, nullptr};
  bool ready[2] = {false, false};  // an edge came while nobody waited
  bool registered_out = false;
  bool always_ready = false;  // the descriptor cannot be polled (regular file)
  bool hung_up = false;
  bool cancelled = false;
  std::move_only_function<void()> hangup;

  explicit Impl(int descriptor) : fd(descriptor) {}
  ~Impl();
  void ensure_registered(bool want_out);
  void deliver(uint32_t events);
  void wake_all(bool result);
  detail::IoWait wait(detail::IoWait::Direction d, Mono deadline) {
    return detail::IoWait(*this, d, deadline);
  }
};

struct Loop::Impl {
  Fd epoll;
  std::shared_ptr<detail::Mailbox> mail = std::make_shared<detail::Mailbox>();
  detail::ReadyNode ready;             // head of a circular list
  std::vector<detail::Timer*> timers;  // binary heap by `when`
  Watch::Impl* watches = nullptr;
  epoll_event* batch = nullptr;  // events being dispatched
  int batch_size = 0;
  int share = 0;  // operations left in this resumption
  std::atomic<bool> stopping{false};

  Impl();
  ~Impl();
  void run_posted();
  void run_ready();
  void fire_timers();
  void poll();
  int poll_timeout() const;
  void push_ready(detail::ReadyNode& node, std::coroutine_handle<> h);
  void forget(Watch::Impl& watch);

  static constexpr int kShare = 64;
};

}  // namespace dt
