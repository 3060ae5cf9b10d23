// The engine's end of the spawner: starts it, hands over requests, starts it again when it has died.
// Thread-safe. A request that meets a dead spawner is sent once more to its successor; one that the spawner
// had taken and not yet answered fails in its launch, which sees its reply socket close.
#pragma once
#include <sys/types.h>

#include <mutex>
#include <span>
#include <string>

#include "libs/base/fd.h"

namespace dt::runner::engine {

class SpawnerHandle {
 public:
  SpawnerHandle(std::string path, std::string setup) : path_(std::move(path)), setup_(std::move(setup)) {}
  ~SpawnerHandle();
  Status start();
  Status request(const std::string& bytes, std::span<const int> fds);
  pid_t pid() const;

 private:
  Status start_locked();
  void end_locked();

  const std::string path_, setup_;
  mutable std::mutex mutex_;
  Fd socket_;
  pid_t pid_ = 0;
};

}  // namespace dt::runner::engine
