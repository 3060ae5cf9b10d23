// Event loop over epoll: one thread, one loop. State that belongs to a loop is touched only on its thread;
// the only thread-safe members are post() and stop(). Waits return false when the deadline passed first.
#pragma once
#include <coroutine>
#include <functional>
#include <memory>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/base/fd.h"
#include "libs/net/task.h"

namespace dt {

namespace detail {
// Place of a coroutine in the ready queue of a loop; leaves it when destroyed.
struct ReadyNode {
  ReadyNode* prev = nullptr;
  ReadyNode* next = nullptr;
  std::coroutine_handle<> handle;
  ReadyNode() = default;
  ReadyNode(const ReadyNode&) = delete;
  ~ReadyNode() { unlink(); }
  void unlink() {
    if (!next) return;
    prev->next = next;
    next->prev = prev;
    prev = next = nullptr;
  }
};
}  // namespace detail

// run() blocks SIGPIPE for the thread; whoever starts programs from it resets the signal mask of the child.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;

  static Loop& current();  // the loop whose run() this thread is in; CHECKs that there is one
  static Loop* current_or_null();

  void run();                                     // until stop()
  void stop();                                    // any thread
  void post(std::move_only_function<void()> fn);  // any thread; runs on the loop's thread
  template <class T>
  T run_until(Task<T> task);  // for tests and main programs: runs the loop until the task is done

  // Lets other ready work run first.
  auto yield();
  Task<void> sleep_until(Mono deadline);
  Task<void> sleep_for(std::chrono::nanoseconds d) { return sleep_until(after(d)); }

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Registration of one descriptor with the current loop (edge-triggered, both directions). The descriptor must
// be non-blocking and outlive the Watch. At most one waiter per direction.
class Watch {
 public:
  explicit Watch(int fd);
  ~Watch();  // wakes waiters as if the deadline had passed
  Watch(const Watch&) = delete;

  // Call after EAGAIN. true: try again; false: deadline passed or cancel() was called.
  Task<bool> readable(Mono deadline = kNever);
  Task<bool> writable(Mono deadline = kNever);
  // Resumes waiters of both directions with false; later waits return false at once.
  void cancel();
  // Called once on the loop's thread when the peer hangs up (EPOLLRDHUP, EPOLLHUP, EPOLLERR), at once when it
  // already did. nullptr removes it.
  void on_hangup(std::move_only_function<void()> fn);

  struct Impl;
  Impl& impl();

 private:
  std::unique_ptr<Impl> impl_;
};

// A one-shot or repeated wake-up between coroutines of one loop.
class Event {
 public:
  Event() = default;
  ~Event();  // wakes waiters with false
  Event(const Event&) = delete;
  void set();  // wakes all waiters; stays set until reset()
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  Task<bool> wait(Mono deadline = kNever);  // false: deadline passed
  struct Waiter;

 private:
  bool set_ = false;
  Waiter* head_ = nullptr;
};

// Cancellation that can be handed to whatever waits. Callbacks run on the loop's thread, once.
class CancelSource {
 public:
  CancelSource();
  void cancel() const;
  bool cancelled() const;
  // Returns an id for remove(). Runs at once when already cancelled.
  size_t on_cancel(std::move_only_function<void()> fn) const;
  void remove(size_t id) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// First argument of whatever can wait on behalf of a request.
struct CallContext {
  std::string request_id;
  Mono deadline = kNever;
  CancelSource cancel;
};

// Owns background coroutines of one loop: failures are logged with `name`; join() waits for all. Join before
// destroying: what still waits when the scope goes is destroyed where it stands, with a warning.
class TaskScope {
 public:
  explicit TaskScope(std::string_view name);
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  void spawn(Task<void> task);  // starts at once on the current loop
  CancelSource& cancel() { return cancel_; }
  Task<void> join();  // after cancel().cancel() when the tasks listen to it
  void stop_now();    // destroys the tasks where they wait; not from inside one of them
  size_t running() const;
  struct State;

 private:
  std::shared_ptr<State> state_;
  CancelSource cancel_;
};

// Worker threads for calls that block (files, SQLite, mounts). Started when there is work, up to `threads`.
// Results come back to the awaiting loop. Destroying a coroutine that awaits run() blocks until the call
// ended.
class WorkerPool {
 public:
  explicit WorkerPool(size_t threads, std::string_view name = "worker");
  ~WorkerPool();                                    // finishes what is queued
  void submit(std::move_only_function<void()> fn);  // any thread

  // co_await pool.run([&] { return blocking(); })  -> what the callable returns
  template <class Fn>
  auto run(Fn fn) -> Task<decltype(fn())>;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Blocks SIGPIPE, turns SIGTERM and SIGINT into the event: for main programs. Call before threads start.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  Task<int> next();  // the signal number
 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt

#include "libs/net/loop_inl.h"
