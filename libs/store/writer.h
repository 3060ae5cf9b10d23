// The writer thread: takes queued transactions in batches, one commit per batch.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/net/loop.h"
#include "libs/store/connection.h"

namespace dt::store {

class Writer {
 public:
  Writer(std::unique_ptr<Connection> connection, size_t batch);
  ~Writer();  // finishes what is queued
  void submit(std::move_only_function<Status(Txn&)> job, std::move_only_function<void(Status)> finish);
  Database::Stats stats() const;

 private:
  struct Write {
    std::move_only_function<Status(Txn&)> job;
    std::move_only_function<void(Status)> finish;
    Loop* loop;
    Status outcome;
  };
  void run();
  std::vector<Write> take();
  void commit(std::vector<Write>& batch);
  Status apply(Write& write);
  void fail_all(std::vector<Write>& batch, const Error& error);
  static void acknowledge(std::vector<Write> batch);

  const size_t batch_;
  std::unique_ptr<Connection> connection_;  // writer thread only

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> queue_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::atomic<uint64_t> commits_{0}, transactions_{0};
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace dt::store
