// What a program wrote: up to 48 KiB in memory; more of it in a file without a name in
// $TMPDIR (so that any number of large outputs costs the daemon nothing but descriptors), written and read by
// worker threads. Beyond its limit, or when there is no space, the output is cut and says so at its end. Loop
// thread only.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/fd.h"
#include "libs/net/http.h"
#include "libs/net/loop.h"

namespace dt::daemon {

inline constexpr std::string_view kCutMark = "\n[output cut here: it is larger than the limit of 64 MiB]\n";
inline constexpr std::string_view kNoSpaceMark =
    "\n[output cut here: no space in the sandbox to keep more]\n";

class CapturedOutput {
 public:
  static constexpr size_t kInMemory = 48 * 1024;

  // `directory` is where the file goes; where that is not possible, memory of the sandbox (memfd), at most
  // 1 MiB.
  CapturedOutput(WorkerPool& pool, std::string directory, size_t limit)
      : pool_(&pool), directory_(std::move(directory)), limit_(limit) {}

  void append(std::string_view bytes);
  // More than kInMemory waits: await spill() before the next append().
  bool full() const { return block_.size() >= kInMemory && cut_mark_.empty(); }
  Task<void> spill();
  // Nothing more comes: puts the mark at the end when something is missing.
  Task<void> finish();

  bool in_memory() const { return !file_; }
  const std::string& text() const { return block_; }  // in_memory()
  // All of it as the inside of a JSON string, piece by piece.
  Task<Status> write_json(BodyWriter& to) const;

 private:
  Status store(std::string_view bytes);  // on a worker thread
  WorkerPool* pool_;
  std::string directory_;
  size_t limit_;
  std::string block_;
  size_t taken_ = 0;   // accepted by append()
  size_t stored_ = 0;  // in the file
  Fd file_;
  std::string_view limit_mark_ = kCutMark;
  std::string_view cut_mark_;  // empty: nothing is missing
};

}  // namespace dt::daemon
