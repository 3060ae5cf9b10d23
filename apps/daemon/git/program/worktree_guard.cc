#include "apps/daemon/git/program/worktree_guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <optional>
#include <string_view>

#include "libs/base/fd.h"

extern "C" {
int __real_open(const char*, int, ...);
DIR* __real_opendir(const char*);
int __real_lstat(const char*, struct stat*);
int __real_stat(const char*, struct stat*);
ssize_t __real_readlink(const char*, char*, size_t);
int __real_access(const char*, int);
int __real_mkdir(const char*, mode_t);
int __real_rmdir(const char*);
int __real_unlink(const char*);
int __real_remove(const char*);
int __real_symlink(const char*, const char*);
int __real_chmod(const char*, mode_t);
int __real_rename(const char*, const char*);
}

namespace dt::git {
namespace {

struct Guard {
  std::string root;
  Fd folder;
};
Guard& guard() {
  static Guard value;
  return value;
}

// One folder after the other, for kernels and filters without openat2.
Fd walk(int from, std::string_view path) {
  Fd at(::openat(from, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (at && !path.empty()) {
    size_t slash = path.find('/');
    std::string part(path.substr(0, slash));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    if (part == "..") errno = ENOTDIR;
    if (part == "..") return Fd();
    if (!part.empty())
      at = Fd(::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return at;
}

Fd open_beneath(int from, const std::string& path) {
  open_how how{
      .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  Fd fd(static_cast<int>(::syscall(SYS_openat2, from, path.c_str(), &how, sizeof how)));
  if (fd) return fd;
  return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? Fd() : walk(from, path);
}

// Where a guarded path is: its folder and its name in there.
struct Place {
  Fd folder;
  std::string name;
};

// Nothing: the path is none of ours. A place without folder: it is beyond a link or not there; errno says so.
std::optional<Place> place_of(const char* path) {
  const Guard& g = guard();
  std::string_view all(path);
  if (!g.folder || !all.starts_with(g.root) || all.size() == g.root.size()) return std::nullopt;
  std::string_view rest = all.substr(g.root.size());
  if (rest == ".git" || rest.starts_with(".git/")) return std::nullopt;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  size_t slash = rest.rfind('/');
  Place place{Fd(), std::string(rest.substr(slash == rest.npos ? 0 : slash + 1))};
  place.folder = open_beneath(g.folder.get(), slash == rest.npos ? "." : std::string(rest.substr(0, slash)));
  if (!place.folder && errno == ELOOP) errno = ENOTDIR;  // as if the link were a file
  return place;
}

// `real` for paths that are not guarded, else `ours` with folder and name; -1 when there is no such folder.
template <class Real, class Ours>
auto either(const char* path, Real real, Ours ours) -> decltype(real()) {
  auto place = place_of(path);
  if (!place) return real();
  if (!place->folder) return -1;
  return ours(place->folder.get(), place->name.c_str());
}

// A file that is written takes the place of a link.
int open_in(int folder, const char* name, int flags, mode_t mode) {
  int fd = ::openat(folder, name, flags | O_NOFOLLOW, mode);
  if (fd >= 0 || errno != ELOOP || !(flags & O_CREAT) || ::unlinkat(folder, name, 0) < 0) return fd;
  return ::openat(folder, name, flags | O_NOFOLLOW, mode);
}

}  // namespace

Status guard_worktree(const std::string& root) {
  TRY(Fd folder, open_file(root.c_str(), O_PATH | O_DIRECTORY));
  guard() = Guard{root, std::move(folder)};
  return {};
}

}  // namespace dt::git

using dt::git::either;

extern "C" {

int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return either(
      path, [&] { return __real_open(path, flags, mode); },
      [&](int folder, const char* name) { return dt::git::open_in(folder, name, flags, mode); });
}

DIR* __wrap_opendir(const char* path) {
  auto place = dt::git::place_of(path);
  if (!place) return __real_opendir(path);
  if (!place->folder) return nullptr;
  int fd =
      ::openat(place->folder.get(), place->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? nullptr : ::fdopendir(fd);
}

int __wrap_lstat(const char* path, struct stat* out) {
  return either(
      path, [&] { return __real_lstat(path, out); },
      [&](int folder, const char* name) { return ::fstatat(folder, name, out, AT_SYMLINK_NOFOLLOW); });
}

int __wrap_stat(const char* path, struct stat* out) {
  return either(
      path, [&] { return __real_stat(path, out); },
      [&](int folder, const char* name) { return ::fstatat(folder, name, out, 0); });
}

ssize_t __wrap_readlink(const char* path, char* out, size_t size) {
  return either(
      path, [&] { return __real_readlink(path, out, size); },
      [&](int folder, const char* name) { return ::readlinkat(folder, name, out, size); });
}

int __wrap_access(const char* path, int mode) {
  return either(
      path, [&] { return __real_access(path, mode); },
      [&](int folder, const char* name) { return ::faccessat(folder, name, mode, 0); });
}

int __wrap_mkdir(const char* path, mode_t mode) {
  return either(
      path, [&] { return __real_mkdir(path, mode); },
      [&](int folder, const char* name) { return ::mkdirat(folder, name, mode); });
}

int __wrap_rmdir(const char* path) {
  return either(
      path, [&] { return __real_rmdir(path); },
      [&](int folder, const char* name) { return ::unlinkat(folder, name, AT_REMOVEDIR); });
}

int __wrap_unlink(const char* path) {
  return either(
      path, [&] { return __real_unlink(path); },
      [&](int folder, const char* name) { return ::unlinkat(folder, name, 0); });
}

int __wrap_remove(const char* path) {
  return either(
      path, [&] { return __real_remove(path); },
      [&](int folder, const char* name) {
        int done = ::unlinkat(folder, name, 0);
        return done < 0 && errno == EISDIR ? ::unlinkat(folder, name, AT_REMOVEDIR) : done;
      });
}

int __wrap_symlink(const char* target, const char* path) {
  return either(
      path, [&] { return __real_symlink(target, path); },
      [&](int folder, const char* name) { return ::symlinkat(target, folder, name); });
}

int __wrap_chmod(const char* path, mode_t mode) {
  return either(
      path, [&] { return __real_chmod(path, mode); },
      [&](int folder, const char* name) { return ::fchmodat(folder, name, mode, AT_SYMLINK_NOFOLLOW); });
}

int __wrap_rename(const char* from, const char* to) {
  auto source = dt::git::place_of(from);
  if (source && !source->folder) return -1;
  auto target = dt::git::place_of(to);
  if (target && !target->folder) return -1;
  return ::renameat(source ? source->folder.get() : AT_FDCWD, source ? source->name.c_str() : from,
                    target ? target->folder.get() : AT_FDCWD, target ? target->name.c_str() : to);
}
}
