// Event, CancelSource and TaskScope.
#include <algorithm>
#include <unordered_map>

#include "libs/base/log.h"
#include "libs/net/loop_impl.h"

namespace dt {

struct Event::Waiter final : detail::Suspension {
  Event* event;
  Mono deadline;
  Waiter* prev = nullptr;
  Waiter* next = nullptr;

  Waiter(Event& e, Mono until) : event(&e), deadline(until) {}
  ~Waiter() { cancel_wait(); }
  void detach() override {
    (prev ? prev->next : event->head_) = next;
    if (next) next->prev = prev;
    prev = next = nullptr;
  }
  bool await_ready() const { return event->set_; }
  void await_suspend(std::coroutine_handle<> h) {
    next = event->head_;
    if (next) next->prev = this;
    event->head_ = this;
    suspend(h, deadline);
  }
  void await_resume() const {}
};

Event::~Event() {
  while (head_) head_->wake(false);
}

void Event::set() {
  set_ = true;
  while (head_) head_->wake(true);
}

Task<bool> Event::wait(Mono deadline) {
  if (set_) co_return true;
  Waiter waiter(*this, deadline);
  co_await waiter;
  co_return waiter.result();
}

struct CancelSource::State {
  bool cancelled = false;
  size_t last_id = 0;
  std::vector<std::pair<size_t, std::move_only_function<void()>>> callbacks;
};

CancelSource::CancelSource() : state_(std::make_shared<State>()) {}
bool CancelSource::cancelled() const { return state_->cancelled; }

void CancelSource::cancel() const {
  if (state_->cancelled) return;
  state_->cancelled = true;
  std::shared_ptr<State> keep = state_;  // a callback may drop the last owner
  while (!keep->callbacks.empty()) {
    auto fn = std::move(keep->callbacks.front().second);
    keep->callbacks.erase(keep->callbacks.begin());
    fn();
  }
}

size_t CancelSource::on_cancel(std::move_only_function<void()> fn) const {
  if (state_->cancelled) {
    fn();
    return 0;
  }
  state_->callbacks.emplace_back(++state_->last_id, std::move(fn));
  return state_->last_id;
}

void CancelSource::remove(size_t id) const {
  std::erase_if(state_->callbacks, [id](auto& entry) { return entry.first == id; });
}

namespace {

// Runs by itself and destroys itself at its end. Its handle is kept so that the scope can destroy it earlier.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

}  // namespace

struct TaskScope::State {
  std::string name;
  std::unordered_map<void*, std::coroutine_handle<>> tasks;
  Event idle;

  static Detached drive(std::shared_ptr<State> state, Task<void> task, void*& self);
};

// `self` lives in spawn()'s frame and is only read before the first suspension.
Detached TaskScope::State::drive(std::shared_ptr<State> state, Task<void> task, void*& self) {
  void* id = self;
  try {
    co_await std::move(task);
  } catch (const std::exception& e) {
    log::error("background task failed", {{"scope", state->name}, {"error", e.what()}});
  } catch (...) {
    log::error("background task failed", {{"scope", state->name}, {"error", "unknown exception"}});
  }
  state->tasks.erase(id);
  if (state->tasks.empty()) state->idle.set();
}

TaskScope::TaskScope(std::string_view name) : state_(std::make_shared<State>()) { state_->name = name; }

TaskScope::~TaskScope() {
  if (state_->tasks.empty()) return;
  log::warn("scope destroyed with running tasks", {{"scope", state_->name}, {"tasks", state_->tasks.size()}});
  stop_now();
}

void TaskScope::stop_now() {
  while (!state_->tasks.empty()) {
    auto [id, handle] = *state_->tasks.begin();
    state_->tasks.erase(id);
    handle.destroy();
  }
  state_->idle.set();
}

void TaskScope::spawn(Task<void> task) {
  void* id = nullptr;
  Detached detached = State::drive(state_, std::move(task), id);
  id = detached.handle.address();
  state_->tasks.emplace(id, detached.handle);
  state_->idle.reset();
  detached.handle.resume();
}

Task<void> TaskScope::join() {
  std::shared_ptr<State> state = state_;
  while (!state->tasks.empty()) co_await state->idle.wait();
}

size_t TaskScope::running() const { return state_->tasks.size(); }

}  // namespace dt
