// XFS and ext4 mounted with prjquota: a disk is a directory with its own project id, inherited by everything
// below.
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>

#include "apps/runner/storage/backend.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

constexpr uint32_t kFirstProject = 0x44540000;  // "DT": away from what an administrator would have taken
constexpr uint32_t kLastProject = 0x4454ffff;
constexpr uint64_t kQuotaBlock = 1024;  // unit of dqb_bhardlimit

int quota(int fd, unsigned command, uint32_t project, void* argument) {
  return static_cast<int>(syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, argument));
}

Result<uint32_t> project_of(int fd) {
  fsxattr attributes{};
  if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return fail_errno("read the project id");
  return attributes.fsx_projid;
}

Status set_project(int fd, uint32_t project) {
  fsxattr attributes{};
  if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return fail_errno("read the project id");
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0) return fail_errno("set the project id");
  return {};
}

class ProjectQuota final : public StorageBackend {
 public:
  explicit ProjectQuota(std::string top) : top_(std::move(top)) {}

  Storage::Backend kind() const override { return Storage::Backend::project_quota; }
  std::string describe() const override { return "directories with project quota at " + top_; }

  Status make(const std::string& path) override {
    TRY_VOID(make_directory(path, 0700));
    return assign(path);
  }

  Status clone(const std::string& from, const std::string& to) override {
    TRY_VOID(make(to));
    return copy_tree(from, to);
  }

  Status limit(const std::string& path, uint64_t bytes) override {
    TRY(auto dir, open_directory(path));
    TRY(auto project, project_of(dir.get()));
    if_dqblk block{};
    block.dqb_bhardlimit = bytes ? std::max<uint64_t>(bytes / kQuotaBlock, 1) : 0;
    // One inode for every 4 KiB, but room for a small disk's many small files.
    block.dqb_ihardlimit = bytes ? std::max<uint64_t>(bytes / 4096, 65536) : 0;
    block.dqb_valid = QIF_LIMITS;
    if (quota(dir.get(), Q_SETQUOTA, project, &block) < 0) return fail_errno("set the disk limit of " + path);
    return {};
  }

  Result<DiskUsage> usage(const std::string& path) const override {
    TRY(auto dir, open_directory(path));
    TRY(auto project, project_of(dir.get()));
    if_dqblk block{};
    if (quota(dir.get(), Q_GETQUOTA, project, &block) < 0)
      return fail_errno("read the disk usage of " + path);
    return DiskUsage{block.dqb_curspace, block.dqb_bhardlimit * kQuotaBlock};
  }

  Status remove(const std::string& path) override {
    size_t slash = path.rfind('/');
    TRY(auto parent, open_directory(path.substr(0, slash)));
    uint32_t project = 0;
    if (auto dir = open_directory(path)) project = project_of(dir->get()).value_or(0);
    TRY_VOID(remove_tree(parent.get(), path.substr(slash + 1)));
    if_dqblk none{};
    none.dqb_valid = QIF_LIMITS;
    if (project) (void)quota(parent.get(), Q_SETQUOTA, project, &none);
    std::lock_guard lock(mutex_);
    taken_.erase(project);
    return {};
  }

  void remember_existing() {
    std::error_code ec;
    for (const char* place : {"/disks", "/trash", "/staging"})
      for (const auto& entry : std::filesystem::directory_iterator(top_ + place, ec))
        if (auto dir = open_directory(entry.path()))
          if (auto project = project_of(dir->get())) taken_.insert(*project);
  }

 private:
  Status assign(const std::string& path) {
    TRY(auto dir, open_directory(path));
    TRY(auto project, take());
    return set_project(dir.get(), project);
  }

  Result<uint32_t> take() {
    std::lock_guard lock(mutex_);
    for (uint32_t tried = 0; tried <= kLastProject - kFirstProject; ++tried) {
      uint32_t project = next_;
      next_ = next_ == kLastProject ? kFirstProject : next_ + 1;
      if (taken_.insert(project).second) return project;
    }
    return fail(Code::unavailable, "all project ids for disks are in use");
  }

  std::string top_;
  std::mutex mutex_;
  std::set<uint32_t> taken_;
  uint32_t next_ = kFirstProject;
};

bool limits_are_enforced(int fd) {
  if_dqinfo info{};
  if (quota(fd, Q_GETINFO, 0, &info) < 0) return false;
  fs_quota_statv state{};
  state.qs_version = FS_QSTATV_VERSION1;
  // XFS answers Q_GETINFO even when only accounting is on.
  if (quota(fd, Q_XGETQSTATV, 0, &state) == 0) return (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
  return true;
}

}  // namespace

Result<std::unique_ptr<StorageBackend>> make_project_quota_backend(const std::string& top) {
  TRY(auto dir, open_directory(top));
  if (!limits_are_enforced(dir.get())) return fail(Code::unavailable, top + " is not mounted with prjquota");
  auto backend = std::make_unique<ProjectQuota>(top);
  backend->remember_existing();
  return backend;
}

}  // namespace dt::runner
