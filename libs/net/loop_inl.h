// Template members of loop.h.
#pragma once

namespace dt {

namespace detail {
struct YieldAwaiter {
  Loop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    loop.post([h] { h.resume(); });
  }
  void await_resume() const noexcept {}
};

template <class Fn, class R>
struct WorkerAwaiter {
  WorkerPool& pool;
  Fn& fn;
  std::optional<R> result;
  std::exception_ptr failure;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    Loop& loop = Loop::current();
    pool.submit([this, &loop, h] {
      try {
        result.emplace(fn());
      } catch (...) {
        failure = std::current_exception();
      }
      loop.post([h] { h.resume(); });
    });
  }
  R await_resume() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
};
template <class Fn>
struct WorkerAwaiter<Fn, void> {
  WorkerPool& pool;
  Fn& fn;
  std::exception_ptr failure;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    Loop& loop = Loop::current();
    pool.submit([this, &loop, h] {
      try {
        fn();
      } catch (...) {
        failure = std::current_exception();
      }
      loop.post([h] { h.resume(); });
    });
  }
  void await_resume() {
    if (failure) std::rethrow_exception(failure);
  }
};
}  // namespace detail

inline auto Loop::yield() { return detail::YieldAwaiter{*this}; }

template <class Fn>
auto WorkerPool::run(Fn fn) -> Task<decltype(fn())> {
  co_return co_await detail::WorkerAwaiter<Fn, decltype(fn())>{*this, fn};
}

template <class T>
T Loop::run_until(Task<T> task) {
  TaskScope scope("run_until");
  if constexpr (std::is_void_v<T>) {
    std::exception_ptr failure;
    auto body = [](Loop& loop, Task<T> t, std::exception_ptr& out) -> Task<void> {
      try {
        co_await std::move(t);
      } catch (...) {
        out = std::current_exception();
      }
      loop.stop();
    };
    post([&] { scope.spawn(body(*this, std::move(task), failure)); });
    run();
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<T> result;
    std::exception_ptr failure;
    auto body = [](Loop& loop, Task<T> t, std::optional<T>& out, std::exception_ptr& bad) -> Task<void> {
      try {
        out.emplace(co_await std::move(t));
      } catch (...) {
        bad = std::current_exception();
      }
      loop.stop();
    };
    post([&] { scope.spawn(body(*this, std::move(task), result, failure)); });
    run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
}

}  // namespace dt
