#include "apps/runner/storage/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "apps/runner/storage/backend.h"
#include "apps/runner/storage/loop.h"
#include "libs/base/clock.h"
#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/tree.h"

namespace dt::runner {
namespace {

constexpr Millis kUnmountWait{5000};

// Deletes what was renamed into the trash, one thing at a time.
class Reaper {
 public:
  explicit Reaper(StorageBackend& backend) : backend_(backend), thread_([this] { run(); }) {}
  ~Reaper() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void add(std::string path) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(path));
    }
    changed_.notify_all();
  }
  void wait_until_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty() && !busy_; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;  // what is left is found in the trash at the next open()
      std::string path = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      lock.unlock();
      if (auto removed = backend_.remove(path); !removed)
        log::warn("a removed disk stays in the trash", {{"path", path}, {"error", removed.error().message}});
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  StorageBackend& backend_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool stopping_ = false;
  bool busy_ = false;
  std::thread thread_;
};

Status check_id(const SandboxId& id) {
  const std::string& text = id.str();
  bool good = !text.empty() && text.size() <= 128 && text[0] != '.' &&
              std::ranges::all_of(
                  text, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  return good ? Status() : fail(Code::bad_request, "not a sandbox id: " + text);
}

uint64_t free_space(const std::string& path) {
  struct statvfs fs{};
  return statvfs(path.c_str(), &fs) == 0 ? fs.f_bavail * fs.f_frsize : 0;
}

// Two runners on one pool would each empty the other's staging. A record lock: not inherited by children,
// gone with us.
Result<Fd> lock_pool(const std::string& directory) {
  TRY(auto fd, open_file((directory + "/lock").c_str(), O_RDWR | O_CREAT, 0600));
  struct flock lock{};
  lock.l_type = F_WRLCK;
  if (fcntl(fd.get(), F_SETLK, &lock) < 0)
    return fail(Code::conflict, "the storage pool " + directory + " is in use by another runner");
  return fd;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ec))
    names.push_back(entry.path().filename());
  return names;
}

}  // namespace

struct Storage::Impl {
  std::string directory, top;
  Fd lock;
  std::unique_ptr<StorageBackend> backend;
  std::unique_ptr<Reaper> reaper;

  std::string disk(const SandboxId& id) const { return top + "/disks/" + id.str(); }
  std::string staged(const SandboxId& id) const {
    return top + "/staging/" + id.str() + "." + random_token(8);
  }

  Status choose(const StorageConfig& config);
  Status make_layout();
  Status recover();
  Status discard(const std::string& path);
  Result<Disk> publish(const std::string& staged, const SandboxId& id);
};

Status Storage::Impl::choose(const StorageConfig& config) {
  std::string image = directory + "/pool.img", mount_point = directory + "/mnt";
  top = directory;
  // A pool that was made as a loop file stays one, whatever the directory offers today.
  bool have_image = access(image.c_str(), F_OK) == 0;
  if (!have_image && on_btrfs(directory)) {
    TRY(backend, make_btrfs_backend(directory, false));
    return {};
  }
  if (!have_image) {
    if (auto quota = make_project_quota_backend(directory)) {
      backend = std::move(*quota);
      return {};
    }
  }
  uint64_t bytes = config.loop_file_bytes ? config.loop_file_bytes : free_space(directory) / 5 * 4;
  auto loop = mount_loop_pool(image, mount_point, bytes & ~4095ull);
  if (!loop && have_image)
    return std::unexpected(std::move(loop).error().context("the storage pool exists but cannot be mounted"));
  if (loop) {
    top = mount_point;
    TRY(backend, make_btrfs_backend(top, true));
    return {};
  }
  log::warn("DISK LIMITS ARE NOT ENFORCED: no btrfs, no project quota, and no loop-mounted btrfs either",
            {{"directory", directory}, {"error", loop.error().message}});
  backend = make_plain_backend(top);
  return {};
}

Status Storage::Impl::make_layout() {
  for (const char* name : {"disks", "images", "staging", "trash"})
    TRY_VOID(make_directory(top + "/" + name, 0700));
  if (chmod(top.c_str(), 0700) < 0) return fail_errno("chmod " + top);
  return {};
}

// Half-made things of an earlier run: staging is moved to the trash, the trash is emptied in the background.
Status Storage::Impl::recover() {
  for (const auto& name : names_in(top + "/staging")) TRY_VOID(discard(top + "/staging/" + name));
  for (const auto& name : names_in(top + "/trash")) reaper->add(top + "/trash/" + name);
  return {};
}

Status Storage::Impl::discard(const std::string& path) {
  std::string aside = top + "/trash/" + path.substr(path.rfind('/') + 1) + "." + random_token(8);
  if (rename(path.c_str(), aside.c_str()) < 0) {
    if (errno == ENOENT) return {};
    return fail_errno("remove " + path);
  }
  reaper->add(std::move(aside));
  return {};
}

Result<Disk> Storage::Impl::publish(const std::string& staged, const SandboxId& id) {
  std::string path = disk(id);
  if (renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return Disk{path};
  int error = errno;
  TRY_VOID(discard(staged));
  if (error == EEXIST) return Disk{path};  // the same id was made at the same time
  return fail_errno("publish " + path, error);
}

Storage::Storage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Storage::~Storage() = default;

Result<std::unique_ptr<Storage>> Storage::open(StorageConfig config) {
  auto impl = std::make_unique<Impl>();
  std::error_code ec;
  std::filesystem::create_directories(config.directory, ec);
  if (ec) return fail_errno("create " + config.directory, ec.value());
  impl->directory = std::filesystem::canonical(config.directory);
  if (chmod(impl->directory.c_str(), 0700) < 0) return fail_errno("chmod " + impl->directory);
  TRY(impl->lock, lock_pool(impl->directory));
  TRY_VOID(impl->choose(config));
  TRY_VOID(impl->make_layout());
  impl->reaper = std::make_unique<Reaper>(*impl->backend);
  TRY_VOID(impl->recover());
  return std::unique_ptr<Storage>(new Storage(std::move(impl)));
}

Storage::Backend Storage::backend() const { return impl_->backend->kind(); }
std::string Storage::describe() const { return impl_->backend->describe(); }
bool Storage::enforces_limits() const { return backend() != Backend::plain; }
std::string Storage::images_directory() const { return impl_->top + "/images"; }
std::string Storage::staging_directory() const { return impl_->top + "/staging"; }
uint64_t Storage::free_bytes() const {
  // A loop pool is sparse: it has only what the file system below can still give.
  return std::min(free_space(impl_->top), free_space(impl_->directory));
}

Result<Disk> Storage::create_disk(const SandboxId& id, uint64_t limit_bytes) {
  TRY_VOID(check_id(id));
  if (auto existing = find_disk(id)) {
    TRY_VOID(set_limit(id, limit_bytes));
    return existing;
  }
  std::string staged = impl_->staged(id);
  auto make = [&]() -> Status {
    TRY_VOID(impl_->backend->make(staged));
    TRY_VOID(impl_->backend->limit(staged, limit_bytes));
    TRY_VOID(make_directory(staged + "/upper", 0755));
    return make_directory(staged + "/work", 0700);
  };
  if (auto made = make(); !made) {
    (void)impl_->discard(staged);
    return std::unexpected(std::move(made).error().context("make the disk of " + id.str()));
  }
  return impl_->publish(staged, id);
}

Result<Disk> Storage::find_disk(const SandboxId& id) const {
  TRY_VOID(check_id(id));
  struct stat st{};
  std::string path = impl_->disk(id);
  if (lstat(path.c_str(), &st) < 0) return fail(Code::not_found, "no disk for sandbox " + id.str());
  return Disk{path};
}

Status Storage::set_limit(const SandboxId& id, uint64_t limit_bytes) {
  TRY(auto disk, find_disk(id));
  return impl_->backend->limit(disk.path, limit_bytes);
}

Result<DiskUsage> Storage::usage(const SandboxId& id) const {
  TRY(auto disk, find_disk(id));
  return impl_->backend->usage(disk.path);
}

Result<Disk> Storage::clone_disk(const SandboxId& from, const SandboxId& to, uint64_t limit_bytes) {
  TRY(auto source, find_disk(from));
  if (auto existing = find_disk(to)) {
    TRY_VOID(set_limit(to, limit_bytes));
    return existing;
  }
  TRY_VOID(check_id(to));
  std::string staged = impl_->staged(to);
  auto make = [&]() -> Status {
    TRY_VOID(impl_->backend->clone(source.path, staged));
    // overlayfs leaves its own directories in work; a fresh one is what a fresh mount expects.
    TRY_VOID(empty_directory(staged + "/work"));
    return impl_->backend->limit(staged, limit_bytes);
  };
  if (auto made = make(); !made) {
    (void)impl_->discard(staged);
    return std::unexpected(std::move(made).error().context("copy the disk of " + from.str()));
  }
  return impl_->publish(staged, to);
}

Status Storage::remove_disk(const SandboxId& id) {
  TRY_VOID(check_id(id));
  return impl_->discard(impl_->disk(id));
}

std::vector<SandboxId> Storage::list_disks() const {
  std::vector<SandboxId> ids;
  for (auto& name : names_in(impl_->top + "/disks")) ids.emplace_back(std::move(name));
  return ids;
}

Status Storage::unmount() {
  impl_->reaper->wait_until_empty();
  if (backend() != Backend::loop_btrfs) return {};
  // Mount namespaces of sandboxes that have just ended hold it until the kernel has taken them apart.
  Mono deadline = after(kUnmountWait);
  while (umount2(impl_->top.c_str(), UMOUNT_NOFOLLOW) < 0) {
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline)
      return fail_errno("unmount the storage pool " + impl_->top);
    std::this_thread::sleep_for(Millis(10));
  }
  return {};
}

}  // namespace dt::runner
