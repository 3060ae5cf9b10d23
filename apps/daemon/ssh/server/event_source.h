// What the connection's loop waits for. One thread, one poll() over everything; sources are told when a
// descriptor is ready and are dropped, between two turns, when they say that they are finished.
#pragma once
#include <poll.h>
#include <sys/types.h>

#include <vector>

namespace dt::ssh {

class PollSet;

class EventSource {
 public:
  virtual ~EventSource() = default;
  // Once in each turn: work that waits for the connection rather than for a descriptor.
  virtual void turn() {}
  virtual void watch(PollSet& set) = 0;
  // A descriptor given in watch(), which may have been closed by another source's work since.
  virtual void ready(int fd, short events) = 0;
  // A child process has ended, `status` as waitpid() gives it. True: it was ours.
  virtual bool child_ended(pid_t pid, int status) { return false; }
  virtual bool finished() const = 0;
};

class PollSet {
 public:
  void clear() {
    entries_.clear();
    sources_.clear();
  }
  void add(int fd, short events, EventSource& source) {
    entries_.push_back({fd, events, 0});
    sources_.push_back(&source);
  }
  std::vector<pollfd>& entries() { return entries_; }
  EventSource& source(size_t index) { return *sources_[index]; }

 private:
  std::vector<pollfd> entries_;
  std::vector<EventSource*> sources_;
};

}  // namespace dt::ssh
