#include <sys/epoll.h>

#include <cerrno>

#include "libs/net/loop_impl.h"

namespace dt {

namespace detail {

bool IoWait::await_ready() {
  if (watch_->cancelled) return true;
  watch_->ensure_registered(direction_ == out);
  if (watch_->always_ready || watch_->ready[direction_]) {
    watch_->ready[direction_] = false;
    ready_ = true;
  }
  return ready_;
}

void IoWait::await_suspend(std::coroutine_handle<> h) {
  CHECK(watch_->waiter[direction_] == nullptr);
  watch_->waiter[direction_] = this;
  suspend(h, deadline_);
}

void IoWait::detach() { watch_->waiter[direction_] = nullptr; }

}  // namespace detail

Watch::Impl::~Impl() {
  wake_all(false);
  if (!loop) return;
  epoll_ctl(loop->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  // Events of this round that were not delivered yet must not find a dead object.
  for (int i = 0; i < loop->batch_size; ++i)
    if (loop->batch[i].data.ptr == this) loop->batch[i] = {};
  loop->forget(*this);
}

void Loop::Impl::forget(Watch::Impl& watch) {
  (watch.prev ? watch.prev->next : watches) = watch.next;
  if (watch.next) watch.next->prev = watch.prev;
  watch.prev = watch.next = nullptr;
  watch.loop = nullptr;
}

// EPOLLOUT is added with the first wait for it: most sockets never have a full send buffer, and Unix sockets
// report every read of the peer as an edge.
void Watch::Impl::ensure_registered(bool want_out) {
  if (always_ready || (loop && (registered_out || !want_out))) return;
  Loop::Impl& on = Loop::current().impl();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (want_out ? EPOLLOUT : 0);
  event.data.ptr = this;
  int op = loop ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(on.epoll.get(), op, fd, &event) != 0) {
    CHECK(errno == EPERM || errno == ENOMEM || errno == ENOSPC);
    always_ready = true;
    return;
  }
  registered_out = registered_out || want_out;
  if (loop) return;
  loop = &on;
  next = on.watches;
  if (next) next->prev = this;
  on.watches = this;
}

void Watch::Impl::deliver(uint32_t events) {
  bool both = events & (EPOLLHUP | EPOLLERR);
  bool fired[2] = {both || (events & (EPOLLIN | EPOLLRDHUP)), both || (events & EPOLLOUT)};
  for (int d = 0; d < 2; ++d) {
    if (!fired[d]) continue;
    if (waiter[d])
      waiter[d]->wake(true);
    else
      ready[d] = true;
  }
  if (!both && !(events & EPOLLRDHUP)) return;
  hung_up = true;
  auto fn = std::exchange(hangup, nullptr);
  if (fn) fn();
}

void Watch::Impl::wake_all(bool result) {
  for (detail::IoWait* w : {waiter[0], waiter[1]})
    if (w) w->wake(result);
}

Watch::Watch(int fd) : impl_(std::make_unique<Impl>(fd)) {}
Watch::~Watch() = default;
Watch::Impl& Watch::impl() { return *impl_; }

Task<bool> Watch::readable(Mono deadline) {
  detail::IoWait wait = impl_->wait(detail::IoWait::in, deadline);
  co_await wait;
  co_return wait.await_resume();
}

Task<bool> Watch::writable(Mono deadline) {
  detail::IoWait wait = impl_->wait(detail::IoWait::out, deadline);
  co_await wait;
  co_return wait.await_resume();
}

void Watch::cancel() {
  impl_->cancelled = true;
  impl_->wake_all(false);
}

void Watch::on_hangup(std::move_only_function<void()> fn) {
  impl_->hangup = std::move(fn);
  if (!impl_->hangup) return;
  impl_->ensure_registered(false);
  if (!impl_->hung_up) return;
  auto now = std::exchange(impl_->hangup, nullptr);
  now();
}

}  // namespace dt
