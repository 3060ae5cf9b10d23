// Byte streams over non-blocking descriptors (TCP, Unix sockets, pipes) and the listeners that make them.
#pragma once
#include <span>
#include <string>

#include "libs/net/loop.h"

namespace dt {

// "127.0.0.1:3000", "[::1]:3000", "localhost:3000" or "unix:/path/to.sock".
struct Endpoint {
  std::string host;  // address or name; empty for Unix sockets
  uint16_t port = 0;
  std::string unix_path;
  static Result<Endpoint> parse(std::string_view text);
  std::string str() const;
};

class Stream {
 public:
  explicit Stream(Fd fd);  // must be non-blocking
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // 0 = end of stream. Fails with timeout, closed or io.
  Task<Result<size_t>> read_some(std::span<char> buffer, Mono deadline = kNever);
  Task<Status> write_all(std::string_view bytes, Mono deadline = kNever);
  // Two pieces with one system call (headers and body).
  Task<Status> write_all(std::string_view first, std::string_view second, Mono deadline = kNever);
  Status shutdown_write();
  void cancel();  // pending and later operations fail with cancelled
  // Pending and later writes fail with timeout when no byte could be sent for this long (0: never).
  void set_write_idle(Millis limit);
  void abort();  // the peer sees a reset instead of an end; also cancels
  // Takes the descriptor out of the loop, for another process; the stream is then as after cancel().
  Fd release();
  int fd() const;
  Watch& watch();
  std::string peer() const;  // "127.0.0.1" or "unix"

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Fails with unavailable when nobody listens, timeout, or not_found when the name does not resolve.
Task<Result<Stream>> connect(Endpoint to, Mono deadline);

class Listener {
 public:
  static Result<Listener> bind(const Endpoint& at);  // Unix: replaces a stale socket file
  explicit Listener(Fd listening);                   // inherited descriptor
  ~Listener();
  Listener(Listener&&) noexcept;
  Task<Result<Stream>> accept();
  void close();  // accept() fails with cancelled
  uint16_t port() const;
  int fd() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Moves bytes from one stream to the other until end of stream (splice where the kernel allows it) and then
// shuts the write side down. `limit` bytes at most when not negative. Returns the number of bytes moved.
Task<Result<int64_t>> pump(Stream& from, Stream& to, int64_t limit = -1, Mono deadline = kNever);
// Both directions at once until both ended or one failed. For upgraded connections.
Task<void> pump_both(Stream& a, Stream& b);

}  // namespace dt
