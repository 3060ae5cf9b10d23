#include "libs/store/writer.h"

#include <pthread.h>

#include <unordered_map>

#include "libs/base/log.h"

namespace dt::store {

Writer::Writer(std::unique_ptr<Connection> connection, size_t batch)
    : batch_(batch), connection_(std::move(connection)), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "store-writer");
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::submit(std::move_only_function<Status(Txn&)> job, std::move_only_function<void(Status)> finish) {
  Write write{std::move(job), std::move(finish), &Loop::current(), {}};
  bool was_empty;
  {
    std::lock_guard lock(mutex_);
    was_empty = queue_.empty();
    queue_.push_back(std::move(write));
  }
  if (was_empty) wake_.notify_one();
}

Database::Stats Writer::stats() const { return {.commits = commits_, .transactions = transactions_}; }

void Writer::run() {
  for (;;) {
    auto batch = take();
    if (batch.empty()) return;
    commit(batch);
    acknowledge(std::move(batch));
  }
}

// Everything that came while the last commit was on its way to the disk goes into the next one. Empty:
// stopping.
std::vector<Writer::Write> Writer::take() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::vector<Write> batch;
  while (!queue_.empty() && batch.size() < batch_) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Writer::commit(std::vector<Write>& batch) {
  if (auto begun = connection_->execute("BEGIN IMMEDIATE"); !begun) return fail_all(batch, begun.error());
  for (Write& write : batch) {
    write.outcome = apply(write);
    if (!connection_->in_transaction()) {
      // SQLite gave the whole transaction up (disk full, I/O error): nothing of this batch is there.
      Error error =
          write.outcome ? Error{Code::io, "the database gave the transaction up"} : write.outcome.error();
      return fail_all(batch, error);
    }
  }
  if (auto done = connection_->execute("COMMIT"); !done) {
    if (auto undone = connection_->execute("ROLLBACK"); !undone)
      log::error("store rollback", {{"error", undone.error().message}});
    return fail_all(batch, done.error());
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
  transactions_.fetch_add(batch.size(), std::memory_order_relaxed);
}

Status Writer::apply(Write& write) {
  TRY_VOID(connection_->execute("SAVEPOINT w"));
  Txn txn(*connection_);
  Status outcome;
  try {
    outcome = write.job(txn);
  } catch (const std::exception& e) {
    outcome = fail(Code::internal, std::string("a write threw: ") + e.what());
  }
  if (!connection_->in_transaction()) return outcome;
  if (!outcome) TRY_VOID(connection_->execute("ROLLBACK TO w"));
  TRY_VOID(connection_->execute("RELEASE w"));
  return outcome;
}

void Writer::fail_all(std::vector<Write>& batch, const Error& error) {
  log::error("store commit failed", {{"error", error.message}, {"transactions", batch.size()}});
  for (Write& write : batch) write.outcome = std::unexpected(error);
}

void Writer::acknowledge(std::vector<Write> batch) {
  std::unordered_map<Loop*, std::vector<Write>> by_loop;
  for (Write& write : batch) {
    write.job = nullptr;  // before anything is posted: a coroutine that gave up may be waiting for this
    by_loop[write.loop].push_back(std::move(write));
  }
  for (auto& [loop, writes] : by_loop) {
    loop->post([writes = std::move(writes)]() mutable {
      for (Write& write : writes) write.finish(std::move(write.outcome));
    });
  }
}

}  // namespace dt::store
