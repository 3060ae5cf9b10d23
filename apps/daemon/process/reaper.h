// The one place where children are waited for. SIGCHLD arrives on a descriptor of the loop; every dead
// process is reaped with its status, which goes to its Child if there is one and is dropped if it was an
// orphan that was re-parented to us. Race-free because children are started on the loop's thread and become a
// Child before the loop runs again. Consequence: nothing else in this process may wait for children.
#pragma once
#include <sys/types.h>

#include <unordered_map>

#include "libs/base/fd.h"
#include "libs/net/loop.h"

namespace dt::daemon {

class Reaper;

class Child {
 public:
  Child(Reaper& reaper, pid_t pid);
  ~Child();  // the status is dropped when it is still running
  Child(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool exited() const { return exited_.is_set(); }
  // False: deadline passed.
  Task<bool> wait(Mono deadline = kNever) { return exited_.wait(deadline); }
  // Valid after exited(). 0-255, or -1 when a signal ended it.
  int exit_code() const { return signal_ ? -1 : status_; }
  int term_signal() const { return signal_; }  // 0: none
  // Runs once when it exits, before waiters go on. Must not destroy the Child.
  void on_exit(std::move_only_function<void()> fn) { on_exit_ = std::move(fn); }
  // To its process group. Nothing happens after it was reaped.
  void signal_group(int signal) const;

 private:
  friend class Reaper;
  Reaper& reaper_;
  pid_t pid_;
  int status_ = 0;
  int signal_ = 0;
  Event exited_;
  std::move_only_function<void()> on_exit_;
};

class Reaper {
 public:
  // Blocks SIGCHLD in this thread (and so in threads it starts) and becomes the parent of orphans.
  Reaper();
  ~Reaper();
  // Until stop(). Run it in a TaskScope before the first child is started.
  Task<void> run();
  void stop();
  // Sends a signal to every running child's group, also where nobody waits for it any more.
  void signal_all(int signal) const;
  size_t children() const { return children_.size(); }

 private:
  friend class Child;
  void collect();
  Fd signals_;
  Watch* watch_ = nullptr;
  bool stopping_ = false;
  std::unordered_map<pid_t, Child*> children_;  // running; null: nobody waits for it any more
};

}  // namespace dt::daemon
