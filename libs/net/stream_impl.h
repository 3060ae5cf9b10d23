// Internals of Stream for the files of this folder.
#pragma once
#include <sys/uio.h>

#include "libs/net/loop_impl.h"
#include "libs/net/stream.h"

namespace dt {

struct Stream::Impl {
  Fd fd;
  Watch watch;
  bool socket = false;
  bool cancelled = false;
  // False after a short read of a socket: the next read waits for an edge instead of asking for EAGAIN.
  bool maybe_readable = true;
  Millis write_idle{0};

  explicit Impl(Fd f);
  // nullopt: would block.
  std::optional<Result<size_t>> try_read(std::span<char> buffer);
  std::optional<Result<size_t>> try_write(iovec* pieces, int count);
  Task<Status> wait_readable(Mono deadline);
  Task<Status> wait_writable(Mono deadline);
  Task<Status> write_pieces(std::string_view a, std::string_view b, std::string_view c, Mono deadline);
  // Bytes of a regular file; fails with closed when the file is shorter.
  Task<Status> send_file(int file, uint64_t offset, uint64_t length);
  Status cancelled_error() const;
};

// Moves at most `limit` bytes (all when negative) until end of stream; the write side of `to` stays open.
// `idle` bounds the time without a byte (0: not bounded). After a failure `source_failed` says whether it was
// `from` that failed.
Task<Result<int64_t>> move_bytes(Stream& from, Stream& to, int64_t limit, Mono deadline, Millis idle,
                                 bool& source_failed);

inline Mono idle_deadline(Millis idle, Mono deadline) {
  if (idle.count() <= 0) return deadline;
  return std::min(deadline, after(idle));
}

}  // namespace dt
