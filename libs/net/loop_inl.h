// Template members of loop.h.
#pragma once
#include <atomic>

namespace dt {

namespace detail {
void push_ready(Loop& loop, ReadyNode& node, std::coroutine_handle<> h);

struct YieldAwaiter {
  Loop& loop;
  ReadyNode node;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) { push_ready(loop, node, h); }
  void await_resume() const noexcept {}
};

// Shared by the awaiting coroutine and the worker, because either may end first.
struct WorkerCall {
  std::atomic<bool> finished{false};
  bool abandoned = false;  // loop thread only
  std::coroutine_handle<> waiter;
};
void submit_call(WorkerPool& pool, std::shared_ptr<WorkerCall> call, std::move_only_function<void()> body);

template <class Fn, class R>
struct WorkerResult {
  std::optional<R> value;
  void store(Fn& fn) { value.emplace(fn()); }
  R take() { return std::move(*value); }
};
template <class Fn>
struct WorkerResult<Fn, void> {
  void store(Fn& fn) { fn(); }
  void take() {}
};

template <class Fn, class R>
class WorkerAwaiter {
 public:
  WorkerAwaiter(WorkerPool& pool, Fn& fn) : pool_(pool), fn_(fn) {}
  WorkerAwaiter(const WorkerAwaiter&) = delete;
  ~WorkerAwaiter() {
    if (!call_) return;
    call_->abandoned = true;
    call_->finished.wait(false);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    call_ = std::make_shared<WorkerCall>();
    call_->waiter = h;
    submit_call(pool_, call_, [this] { run(); });
  }
  R await_resume() {
    call_.reset();
    if (failure_) std::rethrow_exception(failure_);
    return result_.take();
  }

 private:
  void run() {
    try {
      result_.store(fn_);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  WorkerPool& pool_;
  Fn& fn_;
  std::shared_ptr<WorkerCall> call_;
  WorkerResult<Fn, R> result_;
  std::exception_ptr failure_;
};

template <class T>
struct RunResult {
  std::optional<T> value;
  std::exception_ptr failure;
  T take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
};
template <>
struct RunResult<void> {
  std::exception_ptr failure;
  void take() {
    if (failure) std::rethrow_exception(failure);
  }
};

template <class T>
Task<void> run_into(Loop& loop, Task<T> task, RunResult<T>& out) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      T value = co_await std::move(task);
      out.value.emplace(std::move(value));
    }
  } catch (...) {
    out.failure = std::current_exception();
  }
  loop.stop();
}
}  // namespace detail

inline auto Loop::yield() { return detail::YieldAwaiter{*this, {}}; }

template <class Fn>
auto WorkerPool::run(Fn fn) -> Task<decltype(fn())> {
  co_return co_await detail::WorkerAwaiter<Fn, decltype(fn())>{*this, fn};
}

template <class T>
T Loop::run_until(Task<T> task) {
  TaskScope scope("run_until");
  detail::RunResult<T> result;
  post([&] { scope.spawn(detail::run_into(*this, std::move(task), result)); });
  run();
  return result.take();
}

}  // namespace dt
