#include "apps/runner/image/images.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "apps/runner/image/transport.h"
#include "libs/base/fd.h"
#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/tree.h"
#include "libs/codec/codec.h"
#include "libs/oci/unpack.h"

namespace dt::runner {
namespace {

// image.json beside the root file system.
struct Stored {
  std::string digest;
  uint64_t bytes = 0;
  std::string user, workingDir;
  std::vector<std::string> entrypoint, cmd;
  std::map<std::string, std::string> env;
};
BOOST_DESCRIBE_STRUCT(Stored, (), (digest, bytes, user, workingDir, entrypoint, cmd, env))

using Refs = std::map<std::string, std::string>;  // name -> digest

struct RefsFile {
  Refs refs;
};
BOOST_DESCRIBE_STRUCT(RefsFile, (), (refs))

bool good_name(const std::string& ref) {
  return !ref.empty() && ref.size() <= 512 &&
         std::ranges::all_of(ref, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

// Removed at the end of the scope; renamed away before that when it became an image.
class StagingDirectory {
 public:
  static Result<StagingDirectory> create(const std::string& parent) {
    StagingDirectory directory;
    TRY(directory.parent_, open_directory(parent));
    directory.name_ = "image." + random_token(12);
    directory.path_ = parent + "/" + directory.name_;
    TRY_VOID(make_directory(directory.path_, 0700));
    return directory;
  }
  StagingDirectory(StagingDirectory&&) = default;
  StagingDirectory& operator=(StagingDirectory&&) = default;
  ~StagingDirectory() {
    if (parent_) (void)remove_tree(parent_.get(), name_);
  }
  const std::string& path() const { return path_; }

 private:
  StagingDirectory() = default;
  Fd parent_;
  std::string name_, path_;
};

Status flush(const std::string& directory) {
  TRY(auto fd, open_directory(directory));
  return syncfs(fd.get()) < 0 ? fail_errno("write out " + directory) : Status();
}

}  // namespace

struct Images::Impl {
  std::string directory, staging;
  std::mutex importing;  // one import at a time: it is bound by the disk
  mutable std::mutex mutex;
  Refs refs;
  std::map<std::string, Image> by_digest;  // ref is empty

  std::string home(const std::string& digest) const {
    return directory + "/" + digest.substr(digest.find(':') + 1);
  }
  std::string refs_path() const { return directory + "/refs.json"; }
  void load();
  Result<Image> read(const std::string& name) const;
  Result<Image> unpack(const oci::Layout& layout, const oci::ResolvedImage& resolved);
  Result<Image> name_it(const std::string& ref, const Image& image);
  Status save(const Refs& wanted) const;
  Status drop(const std::string& digest);
  bool has(const std::string& digest) const {
    std::lock_guard lock(mutex);
    return by_digest.contains(digest);
  }
};

Result<Image> Images::Impl::read(const std::string& name) const {
  TRY(auto text, read_file(directory + "/" + name + "/image.json", oci::kMaxDocument));
  TRY(auto stored, decode<Stored>(text));
  return Image{"",
               stored.digest,
               directory + "/" + name + "/rootfs",
               stored.bytes,
               stored.user,
               stored.workingDir,
               stored.entrypoint,
               stored.cmd,
               stored.env};
}

void Images::Impl::load() {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ec)) {
    if (!entry.is_directory(ec)) continue;
    if (auto image = read(entry.path().filename())) {
      by_digest[image->digest] = *image;
    } else {
      log::warn("a directory among the images is none",
                {{"path", entry.path().string()}, {"error", image.error().message}});
    }
  }
  auto text = read_file(refs_path());
  if (!text) return;  // nothing imported yet
  auto file = decode<RefsFile>(*text);
  if (!file)
    return log::error("the list of image names cannot be read",
                      {{"path", refs_path()}, {"error", file.error().message}});
  refs = std::move(file->refs);
  std::erase_if(refs, [&](const auto& ref) { return !by_digest.contains(ref.second); });
}

Status Images::Impl::save(const Refs& wanted) const {
  return write_file_atomic(refs_path(), encode(RefsFile{wanted}));
}

Result<Image> Images::Impl::unpack(const oci::Layout& layout, const oci::ResolvedImage& resolved) {
  std::string digest = resolved.digest.str();
  TRY(auto stage, StagingDirectory::create(staging));
  std::string rootfs = stage.path() + "/rootfs";
  TRY_VOID(make_directory(rootfs, 0755));
  TRY(auto stats, oci::unpack_image(layout, resolved, rootfs));
  const auto& config = resolved.config;
  Stored stored{digest,     stats.bytes, config.user, config.working_dir, config.entrypoint,
                config.cmd, config.env};
  TRY_VOID(write_file_atomic(stage.path() + "/image.json", encode(stored)));
  TRY_VOID(flush(stage.path()));
  if (rename(stage.path().c_str(), home(digest).c_str()) < 0)
    return fail_errno("put the image " + digest + " in place");
  log::info("image unpacked", {{"digest", digest},
                               {"bytes", stats.bytes},
                               {"entries", stats.entries},
                               {"devices_skipped", stats.devices_skipped},
                               {"owners_changed", stats.owners_changed}});
  TRY(auto image, read(resolved.digest.hex()));
  std::lock_guard lock(mutex);
  by_digest[digest] = image;
  return image;
}

Result<Image> Images::Impl::name_it(const std::string& ref, const Image& image) {
  std::lock_guard lock(mutex);
  Refs wanted = refs;
  wanted[ref] = image.digest;
  TRY_VOID(save(wanted));
  refs = std::move(wanted);
  Image named = image;
  named.ref = ref;
  return named;
}

// Renamed aside first: a crash half-way leaves rubbish in staging, not half an image.
Status Images::Impl::drop(const std::string& digest) {
  TRY(auto stage, StagingDirectory::create(staging));
  if (rename(home(digest).c_str(), (stage.path() + "/removed").c_str()) < 0 && errno != ENOENT)
    return fail_errno("remove image " + digest);
  std::lock_guard lock(mutex);
  by_digest.erase(digest);
  return {};
}

Images::Images(std::string directory, std::string staging) : impl_(std::make_unique<Impl>()) {
  impl_->directory = std::move(directory);
  impl_->staging = std::move(staging);
  impl_->load();
}
Images::~Images() = default;

Result<Image> Images::find(const std::string& ref) const {
  std::lock_guard lock(impl_->mutex);
  if (auto exact = impl_->by_digest.find(ref); exact != impl_->by_digest.end()) return exact->second;
  auto known = impl_->refs.find(ref);
  if (known == impl_->refs.end()) return fail(Code::not_found, "no image " + ref + " on this runner");
  Image image = impl_->by_digest.at(known->second);
  image.ref = ref;
  return image;
}

Result<Image> Images::import(const std::string& source, const std::string& ref) {
  if (!good_name(ref)) return fail(Code::bad_request, "not an image name: " + ref.substr(0, 200));
  std::lock_guard one(impl_->importing);
  TRY(auto stage, StagingDirectory::create(impl_->staging));
  TRY(auto fetched, fetch_image(source, stage.path()));
  TRY(auto layout, oci::Layout::open(fetched.directory));
  auto resolved = layout.resolve(fetched.tag);
  if (!resolved) return std::unexpected(std::move(resolved).error().context("import " + source));
  if (impl_->has(resolved->digest.str())) {
    std::unique_lock lock(impl_->mutex);
    Image image = impl_->by_digest.at(resolved->digest.str());
    lock.unlock();
    return impl_->name_it(ref, image);
  }
  auto image = impl_->unpack(layout, *resolved);
  if (!image) return std::unexpected(std::move(image).error().context("import " + source));
  return impl_->name_it(ref, *image);
}

std::vector<Image> Images::list() const {
  std::lock_guard lock(impl_->mutex);
  std::vector<Image> images;
  for (const auto& [ref, digest] : impl_->refs) {
    images.push_back(impl_->by_digest.at(digest));
    images.back().ref = ref;
  }
  return images;
}

Status Images::remove(const std::string& ref) {
  std::lock_guard lock(impl_->mutex);
  Refs wanted = impl_->refs;
  if (wanted.erase(ref) == 0) return {};
  TRY_VOID(impl_->save(wanted));
  impl_->refs = std::move(wanted);
  return {};
}

Status Images::sweep(const std::vector<std::string>& in_use) {
  std::lock_guard one(impl_->importing);
  std::set<std::string> keep(in_use.begin(), in_use.end()), doomed;
  {
    std::lock_guard lock(impl_->mutex);
    for (const auto& [ref, digest] : impl_->refs) keep.insert(digest);
    for (const auto& [digest, image] : impl_->by_digest)
      if (!keep.contains(digest)) doomed.insert(digest);
  }
  for (const auto& digest : doomed) TRY_VOID(impl_->drop(digest));
  return {};
}

}  // namespace dt::runner
