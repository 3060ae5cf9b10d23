// One file on its way from a request to the disk.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "apps/daemon/files/staged_file.h"
#include "libs/net/http.h"
#include "libs/net/loop.h"

namespace dt::daemon {

// Pieces of a body; empty at its end. Valid until the next call.
using Source = std::function<Task<Result<std::string_view>>()>;

inline constexpr mode_t kParentsOfOne = 0750, kParentsOfMany = 0755;

// A whole file at once, on a worker. `step` says where it failed: "mkdir <directory>", "create", "write",
// "close".
Status write_whole(const std::string& path, mode_t parent_mode, std::string_view content, std::string& step);

// One file on its way to the disk. Small files take one trip to a worker; of large ones a worker writes one
// buffer while the next one fills.
class Receiver {
 public:
  Receiver(WorkerPool& pool, std::string path, mode_t parent_mode)
      : pool_(pool), path_(std::move(path)), parent_mode_(parent_mode) {
    idle_.set();
  }
  // Bytes written. After a failure of the disk the rest is still read; errors of the source come back as they
  // are.
  Task<Result<uint64_t>> receive(Source next);
  // Where it failed: "mkdir <directory>", "create", "write", "close".
  const std::string& step() const { return step_; }

 private:
  Status write(std::string& buffer);
  Task<void> write_behind();
  Task<void> write_full_buffer();
  WorkerPool& pool_;
  std::string path_;
  mode_t parent_mode_;
  std::string step_;
  std::string filling_, writing_;
  std::optional<StagedFile> file_;
  Status state_;
  Event idle_;                  // nobody writes
  TaskScope writer_{"upload"};  // last: its task uses what is above
};

// Lets a client finish what it sends, so that it sees the answer and not a closed connection.
Task<void> read_to_end(BodyReader& body);

}  // namespace dt::daemon
