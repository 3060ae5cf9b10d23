#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "libs/net/stream_impl.h"

namespace dt {
namespace {

constexpr size_t kPipeSize = 1 << 20;
constexpr size_t kBuffer = 64 * 1024;

// Pipes are kept per thread and only held while bytes are in them, so that idle connections cost none.
class PipePool {
 public:
  Result<Pipe> take() {
    if (!free_.empty()) {
      Pipe pipe = std::move(free_.back());
      free_.pop_back();
      return pipe;
    }
    auto pipe = make_pipe(O_NONBLOCK);
    if (pipe) fcntl(pipe->write.get(), F_SETPIPE_SZ, kPipeSize);
    return pipe;
  }
  void give_back(Pipe pipe) {
    if (free_.size() < 4) free_.push_back(std::move(pipe));
  }

 private:
  std::vector<Pipe> free_;
};
thread_local PipePool g_pipes;

struct Move {
  Stream& from;
  Stream& to;
  int64_t left;  // negative: until end of stream
  Mono deadline;
  Millis idle;
  int64_t moved = 0;
  bool source_failed = false;

  size_t want(size_t piece) const { return left < 0 ? piece : std::min(piece, static_cast<size_t>(left)); }
  void count(size_t n) {
    moved += static_cast<int64_t>(n);
    if (left > 0) left -= static_cast<int64_t>(n);
  }
  Mono until() const { return idle_deadline(idle, deadline); }
};

bool would_block(int err) { return err == EAGAIN || err == EINTR; }

// Empties the pipe into the target.
Task<Status> drain_pipe(Move& m, Pipe& pipe, size_t filled) {
  Stream::Impl& to = m.to.impl();
  while (filled > 0) {
    if (to.cancelled) co_return to.cancelled_error();
    to.watch.impl().ready[detail::IoWait::out] = false;
    ssize_t n =
        ::splice(pipe.read.get(), nullptr, to.fd.get(), nullptr, filled, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && !would_block(errno)) co_return fail_errno("splice");
    if (n < 0) {
      CO_TRY_VOID(co_await to.wait_writable(m.until()));
      continue;
    }
    filled -= static_cast<size_t>(n);
    m.count(static_cast<size_t>(n));
  }
  co_return Status();
}

// nullopt: the kernel cannot splice these descriptors.
Task<std::optional<Status>> splice_all(Move& m) {
  Stream::Impl& from = m.from.impl();
  while (m.left != 0) {
    co_await detail::FairShare{};
    m.source_failed = true;  // whatever fails up to the draining of the pipe
    if (from.cancelled) co_return from.cancelled_error();
    if (!from.maybe_readable) {
      auto ready = co_await from.wait_readable(m.until());
      if (!ready) co_return ready;
    }
    auto pipe = g_pipes.take();
    if (!pipe) co_return std::nullopt;
    from.watch.impl().ready[detail::IoWait::in] = false;
    ssize_t n = ::splice(from.fd.get(), nullptr, pipe->write.get(), nullptr, m.want(kPipeSize),
                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    int err = errno;
    if (n <= 0) g_pipes.give_back(std::move(*pipe));
    if (n == 0) co_return Status();
    if (n < 0 && err == EINVAL && m.moved == 0) co_return std::nullopt;
    if (n < 0 && !would_block(err)) co_return fail_errno("splice", err);
    if (n < 0) {
      from.maybe_readable = false;
      continue;
    }
    m.source_failed = false;
    auto drained = co_await drain_pipe(m, *pipe, static_cast<size_t>(n));
    if (!drained) co_return drained;
    g_pipes.give_back(std::move(*pipe));
  }
  co_return Status();
}

Task<Status> copy_all(Move& m) {
  auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  while (m.left != 0) {
    auto got = co_await m.from.read_some({buffer.get(), m.want(kBuffer)}, m.until());
    m.source_failed = !got;
    if (!got) co_return std::unexpected(std::move(got).error());
    if (*got == 0) break;
    CO_TRY_VOID(co_await m.to.write_all({buffer.get(), *got}, m.until()));
    m.count(*got);
  }
  co_return Status();
}

Task<void> pump_direction(Stream& from, Stream& to, bool& failed) {
  auto moved = co_await pump(from, to);
  if (moved) co_return;
  failed = true;
  from.cancel();
  to.cancel();
}

}  // namespace

Task<Result<int64_t>> move_bytes(Stream& from, Stream& to, int64_t limit, Mono deadline, Millis idle,
                                 bool& source_failed) {
  Move m{.from = from, .to = to, .left = limit, .deadline = deadline, .idle = idle};
  auto spliced = co_await splice_all(m);
  Status copied;
  if (!spliced)
    copied = co_await copy_all(m);
  else
    copied = std::move(*spliced);
  source_failed = m.source_failed;
  if (!copied) co_return std::unexpected(std::move(copied).error());
  co_return m.moved;
}

Task<Result<int64_t>> pump(Stream& from, Stream& to, int64_t limit, Mono deadline) {
  bool source_failed = false;
  CO_TRY(int64_t moved, co_await move_bytes(from, to, limit, deadline, Millis(0), source_failed));
  if (limit < 0 || moved < limit) (void)to.shutdown_write();
  co_return moved;
}

Task<void> pump_both(Stream& a, Stream& b) {
  bool failed = false;
  TaskScope scope("pump");
  scope.spawn(pump_direction(a, b, failed));
  co_await pump_direction(b, a, failed);
  co_await scope.join();
}

}  // namespace dt
