// Owner of a file descriptor. A raw int descriptor in a signature means "borrowed for this call".
#pragma once
#include <utility>

#include "libs/base/error.h"

namespace dt {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  Result<Fd> dup() const;  // close-on-exec

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};
Result<Pipe> make_pipe(int flags = 0);                                 // always O_CLOEXEC
Result<Fd> open_file(const char* path, int flags, unsigned mode = 0);  // always O_CLOEXEC
Result<std::string> read_file(const std::string& path, size_t limit = 64u << 20);
Result<std::string> read_all(int fd, size_t limit = 64u << 20);
Status write_all(int fd, std::string_view bytes);  // blocking descriptors
// Writes aside, fsyncs, renames, fsyncs the directory: a crash leaves the old or the new content, never a
// mix.
Status write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0600);

}  // namespace dt
