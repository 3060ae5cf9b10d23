// Finds the processes of one command again after they left its group, its session and their parent
// (`setsid nohup x &`): each carries a number that is inherited by fork and exec and that nothing resets.
// It is the soft limit of CPU time under real-time scheduling (RLIMIT_RTTIME, microseconds): a number of that
// size limits nothing, is invisible in the environment and survives `env -i`. Loop thread only.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace dt::daemon {

class Mark {
 public:
  Mark() = default;    // none: nobody carries it
  static Mark next();  // never given before in this process
  bool carried_by(pid_t pid) const;
  std::vector<pid_t> carriers() const;  // every process that carries it, besides this one
  explicit operator bool() const { return value_ != 0; }
  bool operator==(const Mark&) const = default;

 private:
  friend class MarkedStart;
  uint64_t value_ = 0;
};

// What is started while this lives carries the mark (this process does too, for that long).
class MarkedStart {
 public:
  explicit MarkedStart(Mark mark);
  ~MarkedStart();
  MarkedStart(const MarkedStart&) = delete;

 private:
  uint64_t before_ = 0;
  bool set_ = false;
};

}  // namespace dt::daemon
