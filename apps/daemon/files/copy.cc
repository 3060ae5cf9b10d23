#include "apps/daemon/files/copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <tuple>
#include <vector>

#include "apps/daemon/files/directory_names.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/remove.h"
#include "apps/daemon/files/staged_file.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

constexpr size_t kCopyPiece = 1 << 20;
constexpr int kDeepest = 1000;  // each level holds two descriptors

// A name in an open directory.
struct At {
  int directory;
  const char* name;
};

// The source of a copy that fails is what its path says; that of the destination is not known to the client.
class TreeCopy {
 public:
  Status copy(At from, At to, const std::string& path, int depth);

 private:
  Status regular(At from, At to, const std::string& path);
  Status link(At from, At to, const std::string& path);
  Status folder(At from, At to, const std::string& path, int depth);
};

std::unexpected<Error> failed(std::string_view path) { return std::unexpected(file_error(path, errno)); }

int keep_mode_and_times(int fd, const struct stat& st) {
  timespec times[2] = {st.st_atim, st.st_mtim};
  return ::fchmod(fd, st.st_mode & 07777) < 0 ? -1 : ::futimens(fd, times);
}

Status TreeCopy::regular(At from, At to, const std::string& path) {
  Fd in(::openat(from.directory, from.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat st{};
  if (!in || ::fstat(in.get(), &st) < 0) return failed(path);
  if (!S_ISREG(st.st_mode)) return std::unexpected(invalid_path("it changed while it was moved: " + path));
  Fd out(::openat(to.directory, to.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return failed(path);
  Status copied = copy_bytes(in.get(), out.get());
  if (!copied) return std::unexpected(file_error(path, copied.error().sys_errno));
  if (keep_mode_and_times(out.get(), st) < 0) return failed(path);
  return {};
}

Status TreeCopy::link(At from, At to, const std::string& path) {
  char target[PATH_MAX];
  ssize_t n = ::readlinkat(from.directory, from.name, target, sizeof target - 1);
  if (n < 0) return failed(path);
  target[n] = 0;
  if (::symlinkat(target, to.directory, to.name) < 0) return failed(path);
  return {};
}

Status TreeCopy::folder(At from, At to, const std::string& path, int depth) {
  if (depth > kDeepest) return std::unexpected(file_error(path, ENAMETOOLONG));
  Fd in(::openat(from.directory, from.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st{};
  if (!in || ::fstat(in.get(), &st) < 0) return failed(path);
  if (::mkdirat(to.directory, to.name, 0700) < 0) return failed(path);
  Fd out(::openat(to.directory, to.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!out) return failed(path);
  DirectoryNames names;
  if (int err = names.read(in.get())) return std::unexpected(file_error(path, err));
  for (size_t i = 0; i < names.size(); ++i)
    TRY_VOID(copy({in.get(), names.c_name(i)}, {out.get(), names.c_name(i)}, joined_path(path, names.name(i)),
                  depth + 1));
  if (keep_mode_and_times(out.get(), st) < 0) return failed(path);
  return {};
}

Status TreeCopy::copy(At from, At to, const std::string& path, int depth) {
  struct stat st{};
  if (::fstatat(from.directory, from.name, &st, AT_SYMLINK_NOFOLLOW) < 0) return failed(path);
  if (S_ISREG(st.st_mode)) return regular(from, to, path);
  if (S_ISLNK(st.st_mode)) return link(from, to, path);
  if (S_ISDIR(st.st_mode)) return folder(from, to, path, depth);
  if (::mknodat(to.directory, to.name, st.st_mode, st.st_rdev) < 0) return failed(path);
  return {};
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

int rename_new(int from, const char* name, int to, const char* new_name) {
  if (::renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // For file systems without RENAME_NOREPLACE.
  struct stat st{};
  if (::fstatat(to, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::renameat(from, name, to, new_name);
}

Status copy_tree(const std::string& source, const std::string& destination) {
  std::string plain = destination;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  Fd to(::open(parent_of(plain).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!to) return failed(destination);
  std::string temporary = ".dtn-" + random_token(20);
  Status copied = TreeCopy().copy({AT_FDCWD, source.c_str()}, {to.get(), temporary.c_str()}, source, 0);
  int renamed = 0;
  if (copied)
    renamed = rename_new(to.get(), temporary.c_str(), to.get(), plain.substr(plain.rfind('/') + 1).c_str());
  Error error = !copied ? copied.error() : renamed < 0 ? file_error(destination, errno) : Error{};
  if (copied && renamed == 0) return {};
  std::ignore = remove_tree_at(to.get(), temporary);
  return std::unexpected(std::move(error));
}

}  // namespace dt::daemon
