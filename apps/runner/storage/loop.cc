#include "apps/runner/storage/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "apps/runner/storage/backend.h"
#include "apps/runner/storage/process.h"
#include "libs/base/log.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

constexpr uint64_t kSmallestPool = 256ull << 20;

Status make_image(const std::string& image, uint64_t bytes) {
  if (bytes < kSmallestPool)
    return fail(Code::insufficient_storage,
                "a storage pool needs at least 256 MiB of free space at " + image);
  std::string fresh = image + ".new";
  unlink(fresh.c_str());
  {
    TRY(auto fd, open_file(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
    if (ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0) return fail_errno("size " + fresh);
  }
  TRY_VOID(run_program({"mkfs.btrfs", "--quiet", "--metadata", "single", "--data", "single", "--nodiscard",
                        "--label", "daytona", fresh}));
  TRY(auto fd, open_file(fresh.c_str(), O_RDWR));
  if (fsync(fd.get()) < 0) return fail_errno("fsync " + fresh);
  if (rename(fresh.c_str(), image.c_str()) < 0) return fail_errno("rename " + fresh);
  return {};
}

std::string loop_path(int number) { return "/dev/loop" + std::to_string(number); }

// The loop device that has this file already, so that it is never attached twice: two devices with one btrfs
// corrupt it.
Result<Fd> find_attached(const struct stat& file, std::string& device) {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", ec)) {
    std::string name = entry.path().filename();
    if (!name.starts_with("loop") || !std::filesystem::exists(entry.path() / "loop", ec)) continue;
    auto fd = open_file(("/dev/" + name).c_str(), O_RDWR);
    loop_info64 info{};
    if (!fd || ioctl(fd->get(), LOOP_GET_STATUS64, &info) < 0) continue;
    if (info.lo_device == file.st_dev && info.lo_inode == file.st_ino) {
      device = "/dev/" + name;
      return std::move(*fd);
    }
  }
  return Fd();
}

Result<Fd> attach(const std::string& image, std::string& device) {
  TRY(auto file, open_file(image.c_str(), O_RDWR));
  struct stat st{};
  if (fstat(file.get(), &st) < 0) return fail_errno("stat " + image);
  TRY(auto existing, find_attached(st, device));
  if (existing) return existing;
  TRY(auto control, open_file("/dev/loop-control", O_RDWR));
  for (int attempt = 0; attempt < 64; ++attempt) {
    int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("find a free loop device");
    device = loop_path(number);
    if (access(device.c_str(), F_OK) < 0)
      (void)mknod(device.c_str(), S_IFBLK | 0600, makedev(7, static_cast<unsigned>(number)));
    TRY(auto loop, open_file(device.c_str(), O_RDWR));
    loop_config config{};
    config.fd = static_cast<uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    strncpy(reinterpret_cast<char*>(config.info.lo_file_name), image.c_str(), LO_NAME_SIZE - 1);
    if (ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) {
      // Without it every page would be cached twice. Not every file system can: then it stays buffered.
      (void)ioctl(loop.get(), LOOP_SET_DIRECT_IO, 1ul);
      return loop;
    }
    if (errno != EBUSY) return fail_errno("attach " + image + " to " + device);
  }
  return fail(Code::unavailable, "all loop devices are being taken by others");
}

}  // namespace

bool is_mount_point(const std::string& path) {
  struct stat here{}, above{};
  return stat(path.c_str(), &here) == 0 && stat((path + "/..").c_str(), &above) == 0 &&
         here.st_dev != above.st_dev;
}

Status mount_loop_pool(const std::string& image, const std::string& mount_point, uint64_t bytes) {
  TRY_VOID(make_directory(mount_point, 0700));
  if (is_mount_point(mount_point)) {
    if (!on_btrfs(mount_point))
      return fail(Code::unavailable, mount_point + " is a mount point of something else: unmount it");
    return {};
  }
  if (access(image.c_str(), F_OK) < 0) {
    log::info("making the storage pool", {{"file", image}, {"bytes", bytes}});
    TRY_VOID(make_image(image, bytes));
  }
  std::string device;
  TRY(auto loop, attach(image, device));
  if (mount(device.c_str(), mount_point.c_str(), "btrfs", MS_NOSUID | MS_NODEV | MS_NOATIME,
            "discard=async") < 0)
    return fail_errno("mount the storage pool " + image + " at " + mount_point);
  return {};
}

}  // namespace dt::runner
