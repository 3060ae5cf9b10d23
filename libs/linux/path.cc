#include "libs/linux/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libs/base/text.h"

namespace dt::linux_ {

Result<Fd> open_in_root(int root, const char* path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    // EAGAIN: a rename elsewhere in the file system raced with ".." inside the path.
    if (errno != EAGAIN || attempt == 100)
      return fail_errno(std::string("open ") + path + " inside the root");
  }
}

Result<Fd> make_directories_in_root(int root, const std::string& path, unsigned mode) {
  if (auto whole = open_in_root(root, path.c_str(), O_PATH | O_DIRECTORY)) return whole;
  TRY(Fd at, open_in_root(root, ".", O_PATH | O_DIRECTORY));
  std::string walked;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    std::string name(part);
    walked += "/" + name;
    if (::mkdirat(at.get(), name.c_str(), mode) < 0 && errno != EEXIST)
      return fail_errno("mkdir " + walked + " inside the root");
    // Resolved from the root each time, because the part may be a link.
    TRY(Fd next, open_in_root(root, walked.c_str(), O_PATH | O_DIRECTORY));
    at = std::move(next);
  }
  return at;
}

Result<Fd> ensure_file_in_root(int root, const std::string& path, unsigned mode) {
  auto found = open_in_root(root, path.c_str(), O_PATH);
  if (!found) {
    size_t slash = path.rfind('/');
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    TRY(Fd parent, make_directories_in_root(root, slash == std::string::npos ? "." : path.substr(0, slash)));
    ::unlinkat(parent.get(), name.c_str(), 0);
    Fd made(::openat(parent.get(), name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode));
    if (!made) return fail_errno("create " + path + " inside the root");
    found = open_in_root(parent.get(), name.c_str(), O_PATH | O_NOFOLLOW);
    if (!found) return found;
  }
  struct stat st;
  if (::fstat(found->get(), &st) < 0) return fail_errno("stat " + path);
  if (!S_ISREG(st.st_mode)) return fail(Code::conflict, path + " inside the root is not a regular file");
  return found;
}

Result<std::string> read_file_in_root(int root, const char* path, size_t limit) {
  // O_NONBLOCK: a pipe must not stop us before fstat tells that it is one.
  TRY(Fd fd, open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return fail_errno(std::string("stat ") + path);
  if (!S_ISREG(st.st_mode))
    return fail(Code::conflict, std::string(path) + " inside the root is not a regular file");
  return read_all(fd.get(), limit);
}

}  // namespace dt::linux_
