#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "libs/net/loop_impl.h"

namespace dt {

struct WorkerPool::Impl {
  size_t limit;
  std::string name;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::move_only_function<void()>> queue;
  std::vector<std::thread> threads;
  size_t idle = 0;
  bool ending = false;

  void run();
  void start_thread();
};

void WorkerPool::Impl::run() {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle;
    work.wait(lock, [this] { return ending || !queue.empty(); });
    --idle;
    if (queue.empty()) return;
    auto fn = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    fn();
    fn = nullptr;
    lock.lock();
  }
}

// Signals belong to the main thread.
void WorkerPool::Impl::start_thread() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  threads.emplace_back([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerPool::WorkerPool(size_t threads, std::string_view name) : impl_(std::make_unique<Impl>()) {
  impl_->limit = threads;
  impl_->name = name;
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->work.notify_all();
  for (std::thread& t : impl_->threads) t.join();
}

void WorkerPool::submit(std::move_only_function<void()> fn) {
  std::lock_guard lock(impl_->mutex);
  impl_->queue.push_back(std::move(fn));
  if (impl_->queue.size() > impl_->idle && impl_->threads.size() < impl_->limit) impl_->start_thread();
  impl_->work.notify_one();
}

void detail::submit_call(WorkerPool& pool, std::shared_ptr<WorkerCall> call,
                         std::move_only_function<void()> body) {
  std::shared_ptr<Mailbox> mail = Loop::current().impl().mail;
  pool.submit([mail = std::move(mail), call = std::move(call), body = std::move(body)]() mutable {
    body();
    body = nullptr;
    // The result is complete before `finished`; after that the awaiter may be gone, the call object not.
    call->finished = true;
    call->finished.notify_all();
    mail->post(
        [call = std::move(call)] {
          if (!call->abandoned) call->waiter.resume();
        },
        true);
  });
}

}  // namespace dt
