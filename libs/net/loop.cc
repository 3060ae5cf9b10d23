#include "libs/net/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libs/net/loop_impl.h"

namespace dt {
namespace {

thread_local Loop* g_current = nullptr;

constexpr int kBatch = 128;

void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void place(std::vector<detail::Timer*>& heap, size_t at, detail::Timer* timer) {
  heap[at] = timer;
  timer->index = at;
}

void sift_up(std::vector<detail::Timer*>& heap, size_t at) {
  detail::Timer* timer = heap[at];
  for (; at > 0 && timer->when < heap[(at - 1) / 2]->when; at = (at - 1) / 2)
    place(heap, at, heap[(at - 1) / 2]);
  place(heap, at, timer);
}

void sift_down(std::vector<detail::Timer*>& heap, size_t at) {
  detail::Timer* timer = heap[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap.size()) break;
    if (child + 1 < heap.size() && heap[child + 1]->when < heap[child]->when) ++child;
    if (timer->when <= heap[child]->when) break;
    place(heap, at, heap[child]);
    at = child;
  }
  place(heap, at, timer);
}

}  // namespace

namespace detail {

void Timer::arm(Loop::Impl& on, Mono at) {
  disarm();
  loop = &on;
  when = at;
  on.timers.push_back(this);
  sift_up(on.timers, on.timers.size() - 1);
}

void Timer::disarm() {
  if (!armed()) return;
  std::vector<Timer*>& heap = loop->timers;
  size_t at = index;
  Timer* last = heap.back();
  heap.pop_back();
  index = kIdle;
  if (last == this) return;
  place(heap, at, last);
  sift_up(heap, at);
  sift_down(heap, last->index);
}

void Suspension::suspend(std::coroutine_handle<> h, Mono deadline) {
  loop = &Loop::current().impl();
  node_.handle = h;
  waiting_ = true;
  result_ = false;
  if (deadline == kNever) return;
  fire = &on_timer;
  arm(*loop, deadline);
}

void Suspension::wake(bool result) {
  if (!waiting_) return;
  detach();
  waiting_ = false;
  result_ = result;
  disarm();
  loop->push_ready(node_, node_.handle);
}

void Suspension::on_timer(Timer& timer) { static_cast<Suspension&>(timer).wake(false); }

void push_ready(Loop& loop, ReadyNode& node, std::coroutine_handle<> h) { loop.impl().push_ready(node, h); }

void Mailbox::wake() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t r = ::write(wakeup.get(), &one, sizeof one);
}

void Mailbox::post(std::move_only_function<void()> fn, bool wake_loop) {
  bool first;
  {
    std::lock_guard lock(mutex);
    if (closed) return;
    first = posted.empty();
    posted.push_back(std::move(fn));
    filled = true;
  }
  if (first && wake_loop) wake();
}

std::vector<std::move_only_function<void()>> Mailbox::take() {
  std::lock_guard lock(mutex);
  filled = false;
  return std::exchange(posted, {});
}

bool FairShare::await_ready() const noexcept { return --Loop::current().impl().share >= 0; }
void FairShare::await_suspend(std::coroutine_handle<> h) { Loop::current().impl().push_ready(node, h); }

}  // namespace detail

Loop::Impl::Impl() : epoll(epoll_create1(EPOLL_CLOEXEC)) {
  mail->wakeup = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  CHECK(epoll && mail->wakeup);
  ready.prev = ready.next = &ready;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  CHECK(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, mail->wakeup.get(), &event) == 0);
}

Loop::Impl::~Impl() {
  {
    std::lock_guard lock(mail->mutex);
    mail->closed = true;
  }
  mail->take();
  while (ready.next != &ready) ready.next->unlink();
  ready.prev = ready.next = nullptr;
  for (detail::Timer* timer : timers) timer->index = detail::Timer::kIdle;
  while (watches) forget(*watches);
}

void Loop::Impl::push_ready(detail::ReadyNode& node, std::coroutine_handle<> h) {
  node.unlink();
  node.handle = h;
  node.prev = ready.prev;
  node.next = &ready;
  ready.prev->next = &node;
  ready.prev = &node;
}

void Loop::Impl::run_posted() {
  if (!mail->filled.load(std::memory_order_acquire)) return;
  for (auto& fn : mail->take()) {
    share = kShare;
    fn();
  }
}

// Runs what is ready now; what becomes ready meanwhile waits for the next turn, after the kernel was asked
// again.
void Loop::Impl::run_ready() {
  if (ready.next == &ready) return;
  detail::ReadyNode turn;
  turn.next = ready.next;
  turn.prev = ready.prev;
  turn.next->prev = turn.prev->next = &turn;
  ready.prev = ready.next = &ready;
  while (turn.next != &turn) {
    detail::ReadyNode* node = turn.next;
    node->unlink();
    share = kShare;
    node->handle.resume();
  }
  turn.next = turn.prev = nullptr;
}

void Loop::Impl::fire_timers() {
  if (timers.empty()) return;
  Mono now = std::chrono::steady_clock::now();
  while (!timers.empty() && timers.front()->when <= now) {
    detail::Timer* timer = timers.front();
    timer->disarm();
    timer->fire(*timer);
  }
}

int Loop::Impl::poll_timeout() const {
  if (ready.next != &ready || mail->filled.load(std::memory_order_acquire) || stopping) return 0;
  if (timers.empty()) return -1;
  auto left = timers.front()->when - std::chrono::steady_clock::now();
  if (left <= left.zero()) return 0;
  auto ms = std::chrono::ceil<Millis>(left).count();
  return static_cast<int>(std::min<int64_t>(ms, 24 * 3600 * 1000));
}

void Loop::Impl::poll() {
  epoll_event events[kBatch];
  int n = epoll_wait(epoll.get(), events, kBatch, poll_timeout());
  if (n <= 0) return;
  batch = events;
  batch_size = n;
  for (int i = 0; i < n; ++i) {
    auto* watch = static_cast<Watch::Impl*>(events[i].data.ptr);
    if (watch) {
      watch->deliver(events[i].events);
      continue;
    }
    uint64_t count;
    // The wake-up is edge-triggered, reading it only keeps the counter from filling up.
    if (events[i].events) [[maybe_unused]]
      ssize_t r = ::read(mail->wakeup.get(), &count, sizeof count);
  }
  batch = nullptr;
  batch_size = 0;
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

Loop* Loop::current_or_null() { return g_current; }
Loop& Loop::current() {
  CHECK(g_current != nullptr);
  return *g_current;
}

void Loop::run() {
  Loop* outer = g_current;
  g_current = this;
  block_sigpipe();
  while (!impl_->stopping) {
    impl_->run_posted();
    impl_->run_ready();
    impl_->poll();
    impl_->fire_timers();
  }
  impl_->stopping = false;
  g_current = outer;
}

void Loop::stop() {
  impl_->stopping = true;
  if (g_current != this) impl_->mail->wake();
}

void Loop::post(std::move_only_function<void()> fn) { impl_->mail->post(std::move(fn), g_current != this); }

namespace {
struct SleepWait final : detail::Suspension {
  Mono deadline;
  explicit SleepWait(Mono at) : deadline(at) {}
  ~SleepWait() { cancel_wait(); }
  void detach() override {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { suspend(h, deadline); }
  void await_resume() const {}
};
}  // namespace

Task<void> Loop::sleep_until(Mono deadline) {
  SleepWait wait(deadline);
  co_await wait;
}

}  // namespace dt
