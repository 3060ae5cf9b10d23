// Attributes that clients set, and OpenSSH's extensions.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "apps/daemon/ssh/sftp/sftp_server.h"

namespace dt::ssh {
namespace {

constexpr uint64_t kVfsReadOnly = 1, kVfsNoSuid = 2;

// One thing to change, by descriptor or by path.
struct Subject {
  int fd;  // -1: by path
  const char* path;
  bool follow;

  int flag() const { return follow ? 0 : AT_SYMLINK_NOFOLLOW; }
  int truncate(uint64_t size) const {
    auto length = static_cast<off_t>(size);
    return fd >= 0 ? ::ftruncate(fd, length) : ::truncate(path, length);
  }
  int mode(uint32_t mode) const {
    return fd >= 0 ? ::fchmod(fd, mode & 07777) : ::fchmodat(AT_FDCWD, path, mode & 07777, flag());
  }
  int owner(Attributes::Owner owner) const {
    return fd >= 0 ? ::fchown(fd, owner.uid, owner.gid)
                   : ::fchownat(AT_FDCWD, path, owner.uid, owner.gid, flag());
  }
  int times(Attributes::Times times) const {
    timespec both[2] = {{times.accessed, 0}, {times.modified, 0}};
    return fd >= 0 ? ::futimens(fd, both) : ::utimensat(AT_FDCWD, path, both, flag());
  }
};

}  // namespace

void SftpServer::set_attributes(const Request& r, bool follow) {
  Handle* handle = r.by_handle ? find(r.subject) : nullptr;
  if (r.by_handle && !handle) return status(Code3::failure, "No such handle");
  std::string path(r.subject.empty() ? "." : r.subject);
  Subject subject{handle ? handle->fd() : -1, path.c_str(), follow};
  const Attributes& a = r.attributes;
  int rc = 0;
  if (a.size) rc = subject.truncate(*a.size);
  if (rc == 0 && a.owner) rc = subject.owner(*a.owner);
  if (rc == 0 && a.mode) rc = subject.mode(*a.mode);  // after the owner, whose change clears set-id bits
  if (rc == 0 && a.times) rc = subject.times(*a.times);
  result(rc);
}

void SftpServer::statvfs_answer(const Request& r) {
  struct statvfs st{};
  Handle* handle = r.by_handle ? find(r.subject) : nullptr;
  if (r.by_handle && !handle) return status(Code3::failure, "No such handle");
  std::string path(r.subject.empty() ? "." : r.subject);
  int rc = handle ? ::fstatvfs(handle->fd(), &st) : ::statvfs(path.c_str(), &st);
  if (rc < 0) return result(-1);
  begin(Reply::extended);
  uint64_t flags = (st.f_flag & ST_RDONLY ? kVfsReadOnly : 0) | (st.f_flag & ST_NOSUID ? kVfsNoSuid : 0);
  for (uint64_t value :
       {uint64_t{st.f_bsize}, uint64_t{st.f_frsize}, uint64_t{st.f_blocks}, uint64_t{st.f_bfree},
        uint64_t{st.f_bavail}, uint64_t{st.f_files}, uint64_t{st.f_ffree}, uint64_t{st.f_favail},
        uint64_t{st.f_fsid}, flags, uint64_t{st.f_namemax}})
    put_u64(*out_, value);
}

void SftpServer::limits() {
  constexpr uint64_t kOwnDescriptors = 8;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  begin(Reply::extended);
  put_u64(*out_, kMaxPacket);
  put_u64(*out_, kMaxData);  // read
  put_u64(*out_, kMaxData);  // write
  put_u64(*out_, files.rlim_cur > kOwnDescriptors ? files.rlim_cur - kOwnDescriptors : 0);
}

void SftpServer::extended(const Request& r) {
  std::string first(r.subject), second(r.second);
  if (r.extension == "posix-rename@openssh.com") return result(::rename(first.c_str(), second.c_str()));
  if (r.extension == "hardlink@openssh.com")
    return result(::linkat(AT_FDCWD, first.c_str(), AT_FDCWD, second.c_str(), 0));
  if (r.extension == "statvfs@openssh.com" || r.extension == "fstatvfs@openssh.com") return statvfs_answer(r);
  if (r.extension == "lsetstat@openssh.com") return set_attributes(r, false);
  if (r.extension == "limits@openssh.com") return limits();
  if (r.extension == "fsync@openssh.com") {
    Handle* handle = find(r.subject);
    if (!handle) return status(Code3::failure, "No such handle");
    return result(::fsync(handle->fd()));
  }
  if (r.extension == "expand-path@openssh.com") {
    const char* home = ::getenv("HOME");
    bool from_home = first == "~" || first.starts_with("~/");
    if (first.starts_with('~') && !from_home)
      return status(Code3::unsupported, "Only one's own home is known");
    if (from_home) first = std::string(home ? home : "/") + first.substr(1);
    return real_path(r, first.empty() ? "." : first);
  }
  status(Code3::unsupported);
}

}  // namespace dt::ssh
