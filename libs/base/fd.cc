#include "libs/base/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace dt {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd> Fd::dup() const {
  int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return fail_errno("dup");
  return Fd(fd);
}

Result<Pipe> make_pipe(int flags) {
  int fds[2];
  if (::pipe2(fds, flags | O_CLOEXEC) < 0) return fail_errno("pipe");
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<Fd> open_file(const char* path, int flags, unsigned mode) {
  int fd = ::open(path, flags | O_CLOEXEC, mode);
  if (fd < 0) return fail_errno(std::string("open ") + path);
  return Fd(fd);
}

Result<std::string> read_all(int fd, size_t limit) {
  std::string out;
  size_t used = 0;
  for (;;) {
    if (out.size() - used < 4096) out.resize(out.size() < 4096 ? 8192 : out.size() * 2);
    ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read");
    if (n == 0) break;
    used += static_cast<size_t>(n);
    if (used > limit) return fail(Code::payload_too_large, "more than " + std::to_string(limit) + " bytes");
  }
  out.resize(used);
  return out;
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  TRY(Fd fd, open_file(path.c_str(), O_RDONLY));
  auto text = read_all(fd.get(), limit);
  if (!text) return std::unexpected(std::move(text.error()).context("read " + path));
  return text;
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode) {
  std::string temp = path + ".tmp." + std::to_string(::getpid());
  {
    TRY(Fd fd, open_file(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode));
    Status written = write_all(fd.get(), bytes);
    if (written && ::fsync(fd.get()) < 0) written = fail_errno("fsync");
    if (!written) {
      ::unlink(temp.c_str());
      return std::unexpected(std::move(written.error()).context("write " + temp));
    }
  }
  if (::rename(temp.c_str(), path.c_str()) < 0) {
    int err = errno;
    ::unlink(temp.c_str());
    return fail_errno("rename to " + path, err);
  }
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  TRY(Fd dirfd, open_file(dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (::fsync(dirfd.get()) < 0) return fail_errno("fsync " + dir);
  return {};
}

}  // namespace dt
