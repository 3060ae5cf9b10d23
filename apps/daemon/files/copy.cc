#include "apps/daemon/files/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <tuple>
#include <vector>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "libs/base/fd.h"

namespace dt::daemon {
namespace {

constexpr size_t kCopyPiece = 1 << 20;
// Each level holds a descriptor and a buffer while it is emptied.
constexpr int kMaxDepth = 800;

std::unexpected<Error> failed(std::string_view path) { return std::unexpected(file_error(path, errno)); }

Status copy_regular(const std::string& source, const std::string& destination, const struct stat& st) {
  Fd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!from) return failed(source);
  Fd to(::open(destination.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to) return failed(destination);
  TRY_VOID(copy_bytes(from.get(), to.get()));
  timespec times[2] = {st.st_atim, st.st_mtim};
  if (::fchmod(to.get(), st.st_mode & 07777) < 0 || ::futimens(to.get(), times) < 0)
    return failed(destination);
  return {};
}

Status copy_link(const std::string& source, const std::string& destination) {
  char target[PATH_MAX];
  ssize_t n = ::readlink(source.c_str(), target, sizeof target - 1);
  if (n < 0) return failed(source);
  target[n] = 0;
  if (::symlink(target, destination.c_str()) < 0) return failed(destination);
  return {};
}

Status copy_folder(const std::string& source, const std::string& destination, const struct stat& st) {
  if (::mkdir(destination.c_str(), 0700) < 0) return failed(destination);
  TRY(auto names, sorted_names(source));
  for (const std::string& name : names)
    TRY_VOID(copy_tree(joined_path(source, name), joined_path(destination, name)));
  timespec times[2] = {st.st_atim, st.st_mtim};
  if (::chmod(destination.c_str(), st.st_mode & 07777) < 0) return failed(destination);
  ::utimensat(AT_FDCWD, destination.c_str(), times, 0);
  return {};
}

// Removes what is in the directory, relative to its descriptor, so that nobody can turn a component into a
// link meanwhile.
int empty_directory(Fd dir_fd, int depth = 0) {
  if (depth > kMaxDepth) return ENAMETOOLONG;
  int raw = dir_fd.get();
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(raw), ::closedir);
  if (!dir) return errno;
  std::ignore = dir_fd.release();
  while (dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type != DT_DIR && (::unlinkat(raw, entry->d_name, 0) == 0 || errno == ENOENT)) continue;
    Fd inner(::openat(raw, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) return errno;
    if (int err = empty_directory(std::move(inner), depth + 1)) return err;
    if (::unlinkat(raw, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT) return errno;
  }
  return 0;
}

}  // namespace

Status copy_bytes(int from, int to) {
  for (;;) {
    ssize_t n = ::copy_file_range(from, nullptr, to, nullptr, kCopyPiece, 0);
    if (n == 0) return {};
    if (n > 0) continue;
    if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
      return fail_errno("copy");
    break;
  }
  std::vector<char> buffer(kCopyPiece / 4);
  for (;;) {
    ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read");
    if (n == 0) return {};
    TRY_VOID(write_all(to, {buffer.data(), static_cast<size_t>(n)}));
  }
}

Status copy_tree(const std::string& source, const std::string& destination) {
  struct stat st{};
  if (::lstat(source.c_str(), &st) < 0) return failed(source);
  if (S_ISREG(st.st_mode)) return copy_regular(source, destination, st);
  if (S_ISLNK(st.st_mode)) return copy_link(source, destination);
  if (S_ISDIR(st.st_mode)) return copy_folder(source, destination, st);
  if (::mknod(destination.c_str(), st.st_mode, st.st_rdev) < 0) return failed(destination);
  return {};
}

Status remove_tree(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return {};
  if (errno != EISDIR && errno != EPERM) return failed(path);
  Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // An empty directory needs no permission to be read.
  if (dir) {
    if (int err = empty_directory(std::move(dir))) return std::unexpected(file_error(path, err));
  } else if (errno != EACCES) {
    return failed(path);
  }
  if (::rmdir(path.c_str()) < 0) return failed(path);
  return {};
}

}  // namespace dt::daemon
