// Guarded<T>: shared state that can only be reached with its lock held. Never await inside the callback.
#pragma once
#include <mutex>
#include <utility>

namespace dt {
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}
  template <class Fn>
  auto with(Fn&& fn) {
    std::lock_guard lock(mutex_);
    return fn(value_);
  }
  template <class Fn>
  auto with(Fn&& fn) const {
    std::lock_guard lock(mutex_);
    return fn(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};
}  // namespace dt
