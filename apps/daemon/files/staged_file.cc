#include "apps/daemon/files/staged_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "apps/daemon/files/copy.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/operations.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

constexpr int kMaxLinks = 40;

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Follows the last component while it is a link, so that the target's own directory is known.
Result<std::string> follow_links(std::string path) {
  char target[PATH_MAX];
  for (int i = 0; i < kMaxLinks; ++i) {
    ssize_t n = ::readlink(path.c_str(), target, sizeof target);
    if (n < 0) return path;
    std::string to(target, static_cast<size_t>(n));
    path = to.starts_with('/') ? to : directory_of(path) + "/" + to;
  }
  return std::unexpected(file_error(path, ELOOP));
}

std::string hidden_name(const std::string& path) { return directory_of(path) + "/.dtn-" + random_token(20); }

}  // namespace

StagedFile::StagedFile(StagedFile&& other) noexcept
    : path_(std::move(other.path_)),
      shown_(std::move(other.shown_)),
      temp_(std::exchange(other.temp_, {})),
      fd_(std::move(other.fd_)),
      existing_(other.existing_),
      exists_(other.exists_),
      in_place_(other.in_place_) {}

StagedFile::~StagedFile() {
  if (!temp_.empty()) ::unlink(temp_.c_str());
}

Result<StagedFile> StagedFile::open(const std::string& path, mode_t parent_mode) {
  TRY_VOID(check_path(path));
  StagedFile file;
  file.shown_ = path;
  if (directory_of(path) != ".") TRY_VOID(make_folder(directory_of(path), parent_mode));
  TRY(file.path_, follow_links(path));
  file.exists_ = ::stat(file.path_.c_str(), &file.existing_) == 0;
  if (!file.exists_ && errno != ENOENT) return std::unexpected(file_error(path, errno));
  if (path.ends_with('/') || (file.exists_ && S_ISDIR(file.existing_.st_mode)))
    return std::unexpected(file_error(path, EISDIR));
  if (file.exists_ && !S_ISREG(file.existing_.st_mode) && !S_ISCHR(file.existing_.st_mode))
    return std::unexpected(invalid_path("not a regular file: " + path));
  if (file.exists_ && ::faccessat(AT_FDCWD, file.path_.c_str(), W_OK, AT_EACCESS) < 0)
    return std::unexpected(file_error(path, errno));
  TRY_VOID(file.stage());
  return file;
}

Status StagedFile::stage() {
  bool device = exists_ && !S_ISREG(existing_.st_mode);
  if (!device) {
    fd_ = Fd(::open(directory_of(path_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
    if (fd_) return {};
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
      std::string name = hidden_name(path_);
      fd_ = Fd(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (fd_) temp_ = name;
      if (fd_) return {};
    }
    if (!exists_) return std::unexpected(file_error(shown_, errno));
  }
  in_place_ = true;
  fd_ = Fd(::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd_) return std::unexpected(file_error(shown_, errno));
  return {};
}

Status StagedFile::write(std::string_view bytes) {
  Status written = write_all(fd_.get(), bytes);
  if (!written) return std::unexpected(file_error(shown_, written.error().sys_errno));
  return {};
}

// Gives the staged file a name that must not exist.
Status StagedFile::link_as(const std::string& path) {
  int done = 0;
  if (temp_.empty()) {
    std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
    done = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    done = ::renameat2(AT_FDCWD, temp_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    if (done == 0) temp_.clear();
  }
  if (done < 0) return std::unexpected(file_error(shown_, errno));
  return {};
}

// Another inode in its place is the same to everybody only if nothing hangs on the old one.
bool StagedFile::may_replace() const {
  struct stat staged{};
  return ::fstat(fd_.get(), &staged) == 0 && existing_.st_nlink == 1 && staged.st_uid == existing_.st_uid &&
         staged.st_gid == existing_.st_gid && ::fchmod(fd_.get(), existing_.st_mode & 07777) == 0;
}

Status StagedFile::replace_existing() {
  if (!may_replace()) return copy_in_place();
  if (temp_.empty()) {
    std::string name = hidden_name(path_);
    if (!link_as(name)) return copy_in_place();
    temp_ = name;
  }
  // Fails for mount points, sticky directories, immutable files.
  if (::rename(temp_.c_str(), path_.c_str()) < 0) return copy_in_place();
  temp_.clear();
  return {};
}

Status StagedFile::copy_in_place() {
  Fd to(::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK));
  if (!to || ::lseek(fd_.get(), 0, SEEK_SET) < 0) return std::unexpected(file_error(shown_, errno));
  Status copied = copy_bytes(fd_.get(), to.get());
  if (!copied) return std::unexpected(file_error(shown_, copied.error().sys_errno));
  return {};
}

Status StagedFile::commit() {
  if (!in_place_ && exists_) {
    TRY_VOID(replace_existing());
  } else if (!in_place_) {
    Status linked = link_as(path_);
    if (!linked && linked.error().sys_errno == EEXIST && ::stat(path_.c_str(), &existing_) == 0) {
      // Somebody made it meanwhile.
      linked = replace_existing();
    }
    if (!linked) return linked;
  }
  // Errors of close matter on network file systems.
  if (::close(fd_.release()) < 0) return std::unexpected(file_error(shown_, errno));
  return {};
}

}  // namespace dt::daemon
