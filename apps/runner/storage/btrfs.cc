// btrfs: a disk is a subvolume, its limit a quota group. Everything by ioctl, nothing by a process.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/runner/storage/backend.h"
#include "libs/base/log.h"
#include "libs/base/text.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

// Linux 6.7; not in the headers of Debian 12.
constexpr uint64_t kEnableSimpleQuota = 4;
constexpr uint64_t kNoLimit = ~0ull;

template <size_t N>
Status set_name(char (&to)[N], const std::string& name) {
  if (name.size() >= N) return fail(Code::bad_request, "name too long: " + name);
  memcpy(to, name.c_str(), name.size() + 1);
  return {};
}

struct Split {
  std::string parent, name;
};
Split split_path(const std::string& path) {
  size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

class Btrfs final : public StorageBackend {
 public:
  Btrfs(std::string top, bool loop, std::string sysfs)
      : top_(std::move(top)), loop_(loop), sysfs_(std::move(sysfs)) {}

  Storage::Backend kind() const override {
    return loop_ ? Storage::Backend::loop_btrfs : Storage::Backend::btrfs;
  }
  std::string describe() const override {
    auto mode = read_file(sysfs_ + "/mode", 64);
    return std::string("btrfs ") + (loop_ ? "in a loop-mounted file" : "subvolumes") + " at " + top_ + ", " +
           (mode ? std::string(trim(*mode)) : "qgroup") + " limits";
  }

  Status make(const std::string& path) override {
    auto [parent, name] = split_path(path);
    TRY(auto dir, open_directory(parent));
    btrfs_ioctl_vol_args_v2 args{};
    TRY_VOID(set_name(args.name, name));
    if (ioctl(dir.get(), BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
      return fail_errno("create subvolume " + path);
    if (fchmodat(dir.get(), name.c_str(), 0700, 0) < 0) return fail_errno("chmod " + path);
    return {};
  }

  Status clone(const std::string& from, const std::string& to) override {
    auto [parent, name] = split_path(to);
    TRY(auto dir, open_directory(parent));
    TRY(auto source, open_directory(from));
    btrfs_ioctl_vol_args_v2 args{};
    args.fd = source.get();
    TRY_VOID(set_name(args.name, name));
    if (ioctl(dir.get(), BTRFS_IOC_SNAP_CREATE_V2, &args) < 0) return fail_errno("snapshot " + from);
    return {};
  }

  Status limit(const std::string& path, uint64_t bytes) override {
    TRY(auto dir, open_directory(path));
    btrfs_ioctl_qgroup_limit_args args{};  // qgroupid 0: that of the subvolume the descriptor is in
    args.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    args.lim.max_rfer = bytes ? bytes : kNoLimit;
    if (ioctl(dir.get(), BTRFS_IOC_QGROUP_LIMIT, &args) < 0)
      return fail_errno("set the disk limit of " + path);
    return {};
  }

  Result<DiskUsage> usage(const std::string& path) const override {
    TRY(auto dir, open_directory(path));
    btrfs_ioctl_ino_lookup_args args{};
    args.objectid = BTRFS_FIRST_FREE_OBJECTID;
    if (ioctl(dir.get(), BTRFS_IOC_INO_LOOKUP, &args) < 0) return fail_errno("look up subvolume " + path);
    std::string group = sysfs_ + "/0_" + std::to_string(args.treeid);
    TRY(auto used, read_file(group + "/referenced", 64));
    TRY(auto limit, read_file(group + "/max_referenced", 64));
    auto limit_bytes = parse_int(trim(limit));  // "no limit" is 2^64-1 and does not parse
    return DiskUsage{static_cast<uint64_t>(parse_int(trim(used)).value_or(0)),
                     static_cast<uint64_t>(limit_bytes.value_or(0))};
  }

  Status remove(const std::string& path) override {
    auto [parent, name] = split_path(path);
    TRY(auto dir, open_directory(parent));
    btrfs_ioctl_vol_args_v2 args{};
    TRY_VOID(set_name(args.name, name));
    if (ioctl(dir.get(), BTRFS_IOC_SNAP_DESTROY_V2, &args) == 0 || errno == ENOENT) return {};
    return remove_tree(dir.get(), name);  // no subvolume, or one with something mounted or nested in it
  }

 private:
  std::string top_;
  bool loop_;
  std::string sysfs_;
};

Result<std::string> quota_sysfs(int fd) {
  btrfs_ioctl_fs_info_args info{};
  if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0) return fail_errno("read the identity of the btrfs");
  std::string id = hex_encode({reinterpret_cast<const char*>(info.fsid), sizeof info.fsid});
  for (size_t at : {8u, 13u, 18u, 23u}) id.insert(at, 1, '-');
  return "/sys/fs/btrfs/" + id + "/qgroups";
}

// Simple quotas charge an extent to who wrote it, without back-reference walks. They mark the file system for
// Linux 6.7 and later for good, so only our own loop file gets them; on somebody's btrfs the classic ones are
// turned on.
Status enable_quota(int fd, bool loop, const std::string& sysfs) {
  if (access(sysfs.c_str(), F_OK) == 0) return {};
  btrfs_ioctl_quota_ctl_args args{};
  args.cmd = kEnableSimpleQuota;
  if (loop && ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) == 0) return {};
  args = {};
  args.cmd = BTRFS_QUOTA_CTL_ENABLE;
  if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) < 0) return fail_errno("turn on quotas");
  log::info("turned on btrfs quota groups", {{"sysfs", sysfs}});
  return {};
}

}  // namespace

bool on_btrfs(const std::string& path) {
  struct statfs fs{};
  return statfs(path.c_str(), &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC;
}

Result<std::unique_ptr<StorageBackend>> make_btrfs_backend(const std::string& top, bool loop) {
  if (!on_btrfs(top)) return fail(Code::unavailable, top + " is not on btrfs");
  TRY(auto dir, open_directory(top));
  TRY(auto sysfs, quota_sysfs(dir.get()));
  TRY_VOID(enable_quota(dir.get(), loop, sysfs));
  return std::make_unique<Btrfs>(top, loop, sysfs);
}

}  // namespace dt::runner
