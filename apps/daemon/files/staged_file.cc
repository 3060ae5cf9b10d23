#include "apps/daemon/files/staged_file.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <tuple>

#include "apps/daemon/files/answer_file.h"
#include "apps/daemon/files/copy.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/operations.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

constexpr int kMaxLinks = 40;

std::string last_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Attributes that a new inode would not have: access lists, a user's own.
bool has_attributes(const std::string& path) {
  std::array<char, 4096> names{};
  ssize_t n = ::llistxattr(path.c_str(), names.data(), names.size());
  if (n < 0) return errno == ERANGE;
  std::string_view all(names.data(), static_cast<size_t>(n));
  while (!all.empty()) {
    std::string_view name = all.substr(0, all.find('\0'));
    if (name.starts_with("user.") || name.starts_with("system.posix_acl")) return true;
    all.remove_prefix(std::min(all.size(), name.size() + 1));
  }
  return false;
}

// So that writing cannot fail half-way for lack of space. 0 or errno.
int reserve(int fd, const struct stat& now, off_t size) {
  if (size == 0 || ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == 0) return 0;
  int err = errno;
  if (err != ENOSPC && err != EDQUOT && err != EFBIG) return 0;  // the file system cannot reserve
  std::ignore = ::ftruncate(fd, now.st_size);                    // gives back what it got
  return err;
}

}  // namespace

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status make_parents(const std::string& path, mode_t mode) {
  TRY_VOID(check_path(path));
  std::string parent = parent_of(path);
  return parent == "." ? Status() : make_folder(parent, mode);
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : shown_(std::move(other.shown_)),
      directory_(std::move(other.directory_)),
      name_(std::move(other.name_)),
      temp_(std::exchange(other.temp_, {})),
      fd_(std::move(other.fd_)),
      existing_(other.existing_),
      exists_(other.exists_),
      place_(other.place_) {}

StagedFile::~StagedFile() {
  if (!temp_.empty()) ::unlinkat(directory_.get(), temp_.c_str(), 0);
}

std::unexpected<Error> StagedFile::failed(int err) const { return std::unexpected(file_error(shown_, err)); }

Result<StagedFile> StagedFile::open(const std::string& path) {
  TRY_VOID(check_path(path));
  StagedFile file;
  file.shown_ = path;
  TRY_VOID(file.locate());
  TRY_VOID(file.check_existing());
  TRY_VOID(file.stage());
  return file;
}

Result<StagedFile> StagedFile::open_existing(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return std::unexpected(file_error(path, errno));
  return open(path);
}

// Follows the last component while it is a link.
Status StagedFile::locate() {
  std::string path = shown_;
  char target[PATH_MAX];
  int base = AT_FDCWD;
  for (int i = 0; i < kMaxLinks; ++i) {
    name_ = last_of(path);
    if (name_.empty()) return failed(EISDIR);
    Fd directory(::openat(base, parent_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failed(errno);
    directory_ = std::move(directory);
    base = directory_.get();
    ssize_t n = ::readlinkat(base, name_.c_str(), target, sizeof target);
    if (n < 0) return {};
    path.assign(target, static_cast<size_t>(n));
  }
  return failed(ELOOP);
}

Status StagedFile::check_existing() {
  exists_ = ::fstatat(directory_.get(), name_.c_str(), &existing_, AT_SYMLINK_NOFOLLOW) == 0;
  if (!exists_) return errno == ENOENT ? Status() : failed(errno);
  if (S_ISDIR(existing_.st_mode)) return failed(EISDIR);
  if (!S_ISREG(existing_.st_mode) && !S_ISCHR(existing_.st_mode))
    return std::unexpected(invalid_path("not a regular file: " + shown_));
  if (::faccessat(directory_.get(), name_.c_str(), W_OK, AT_EACCESS) < 0) return failed(errno);
  return {};
}

bool StagedFile::stage_beside() {
  fd_ = Fd(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
  if (fd_ || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)) return bool(fd_);
  std::string name = ".dtn-" + random_token(20);
  fd_ = Fd(::openat(directory_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (fd_) temp_ = name;
  return bool(fd_);
}

Status StagedFile::stage() {
  bool device = exists_ && !S_ISREG(existing_.st_mode);
  if (!device) {
    if (stage_beside()) return {};
    bool closed_directory = errno == EACCES || errno == EPERM || errno == EROFS;
    if (!exists_ || !closed_directory) return failed(errno);
    place_ = Place::elsewhere;
    fd_ = nameless_file(temporary_directory());
    if (fd_) return {};
  }
  place_ = Place::itself;
  fd_ = Fd(::openat(directory_.get(), name_.c_str(),
                    O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  if (!fd_) return failed(errno);
  return {};
}

Status StagedFile::write(std::string_view bytes) {
  Status written = write_all(fd_.get(), bytes);
  if (!written) return failed(written.error().sys_errno);
  return {};
}

// Gives the staged file a name that must not exist.
Status StagedFile::link_as(const std::string& name) {
  int done = 0;
  if (temp_.empty()) {
    done = ::linkat(AT_FDCWD, path_of(fd_.get()).c_str(), directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    done = ::renameat2(directory_.get(), temp_.c_str(), directory_.get(), name.c_str(), RENAME_NOREPLACE);
    if (done == 0) temp_.clear();
  }
  if (done < 0) return failed(errno);
  return {};
}

// Another inode in its place is the same to everybody only if nothing hangs on the old one.
bool StagedFile::may_replace() const {
  struct stat staged{};
  return ::fstat(fd_.get(), &staged) == 0 && existing_.st_nlink == 1 && staged.st_uid == existing_.st_uid &&
         staged.st_gid == existing_.st_gid && !has_attributes(path_of(directory_.get()) + "/" + name_) &&
         ::fchmod(fd_.get(), existing_.st_mode & 07777) == 0;
}

Status StagedFile::replace_existing() {
  if (!may_replace()) return copy_over();
  if (temp_.empty()) {
    std::string name = ".dtn-" + random_token(20);
    if (!link_as(name)) return copy_over();
    temp_ = name;
  }
  // Fails for mount points, sticky directories, immutable files.
  if (::renameat(directory_.get(), temp_.c_str(), directory_.get(), name_.c_str()) < 0) return copy_over();
  temp_.clear();
  return {};
}

// The old inode gets the new content, when there is room for all of it.
Status StagedFile::copy_over() {
  Fd to(::openat(directory_.get(), name_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  struct stat staged{}, now{};
  if (!to || ::fstat(fd_.get(), &staged) < 0 || ::fstat(to.get(), &now) < 0) return failed(errno);
  if (!S_ISREG(now.st_mode)) return std::unexpected(invalid_path("not a regular file: " + shown_));
  if (int err = reserve(to.get(), now, staged.st_size)) return failed(err);
  if (::lseek(fd_.get(), 0, SEEK_SET) < 0) return failed(errno);
  Status copied = copy_bytes(fd_.get(), to.get());
  if (!copied) return failed(copied.error().sys_errno);
  if (::ftruncate(to.get(), staged.st_size) < 0) return failed(errno);
  return {};
}

Status StagedFile::commit() {
  if (place_ == Place::elsewhere) {
    TRY_VOID(copy_over());
  } else if (place_ == Place::beside && exists_) {
    TRY_VOID(replace_existing());
  } else if (place_ == Place::beside) {
    Status linked = link_as(name_);
    if (!linked && linked.error().sys_errno == EEXIST) {
      // Somebody made it meanwhile.
      TRY_VOID(check_existing());
      linked = exists_ ? replace_existing() : link_as(name_);
    }
    if (!linked) return linked;
  }
  // Errors of close matter on network file systems.
  if (::close(fd_.release()) < 0) return failed(errno);
  return {};
}

}  // namespace dt::daemon
