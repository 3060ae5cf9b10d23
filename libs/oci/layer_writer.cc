#include "libs/oci/layer_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "libs/base/tree.h"

namespace dt::oci {
namespace {

constexpr std::string_view kWhiteout = ".wh.", kOpaque = ".wh..wh..opq", kAufs = ".wh..wh.";
constexpr uint32_t kNobody = 65534;

timespec modified(archive_entry* entry) {
  return {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
}

// Attributes that mean something in a sandbox. trusted.* would steer overlayfs, security.* labels belong to
// the host.
bool wanted_attribute(std::string_view name) {
  return name.starts_with("user.") || name == "security.capability";
}

Status set_extended(int fd, archive_entry* entry) {
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  archive_entry_xattr_reset(entry);
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (!name || !wanted_attribute(name)) continue;
    if (fsetxattr(fd, name, value, size, 0) < 0 && errno != ENOTSUP)
      return fail_errno(std::string("set attribute ") + name);
  }
  return {};
}

Result<std::vector<std::string>> names_of(int directory) {
  Fd copy(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("open directory");
  DIR* dir = fdopendir(copy.release());
  if (!dir) return fail_errno("read directory");
  std::vector<std::string> names;
  while (dirent* entry = readdir(dir)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  closedir(dir);
  return names;
}

bool is_directory(int parent, const std::string& name) {
  struct stat st{};
  return fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

std::string join_path(const std::string& above, const std::string& name) {
  return above.empty() ? name : above + "/" + name;
}

}  // namespace

uint32_t LayerWriter::owner(int64_t id) {
  if (id >= 0 && id <= limits_.highest_id) return static_cast<uint32_t>(id);
  ++stats_.owners_changed;
  return kNobody;
}

void LayerWriter::remember_path(std::string path) {
  while (mine_.insert(path).second && !path.empty()) path = split_last(path).first;
}

Status LayerWriter::remember_times(int parent, const std::string& path) {
  std::string above = split_last(path).first;
  if (times_.contains(above)) return {};
  struct stat st{};
  if (fstat(parent, &st) < 0) return fail_errno("stat " + above);
  times_[above] = {{st.st_mtim, st.st_mtim}};
  return {};
}

Status LayerWriter::apply(ArchiveReader& reader, archive_entry* entry, const std::string& path) {
  auto [parent, name] = split_last(path);
  if (name.starts_with(kWhiteout)) return whiteout(path, parent, name);
  remember_path(path);
  return make(reader, entry, path);
}

Status LayerWriter::whiteout(const std::string& path, const std::string& parent, const std::string& name) {
  if (name == kOpaque) return hide_children(parent);
  if (name.starts_with(kAufs)) return {};  // book-keeping of aufs
  std::string target = name.substr(kWhiteout.size());
  if (target.empty() || target == "." || target == "..")
    return fail(Code::bad_request, "bad whiteout " + path);
  return hide_lower(join_path(parent, target));
}

// Removes what lower layers put at `path`.
Status LayerWriter::hide_lower(const std::string& path) {
  auto [above, name] = split_last(path);
  auto parent = tree_.directory(above);
  if (!parent)
    return parent.error().code == Code::not_found ? Status() : std::unexpected(std::move(parent).error());
  TRY_VOID(remember_times(parent->get(), path));
  if (mine_.contains(path)) return is_directory(parent->get(), name) ? hide_children(path) : Status();
  tree_.forget_parent();
  return remove_tree(parent->get(), name);
}

// An explicit stack: a layer can be as deep as a path is long.
Status LayerWriter::hide_children(const std::string& path) {
  std::vector<std::string> pending{path};
  while (!pending.empty()) {
    std::string at = std::move(pending.back());
    pending.pop_back();
    auto directory = tree_.directory(at);
    if (!directory) {
      if (directory.error().code == Code::not_found) continue;
      return std::unexpected(std::move(directory).error());
    }
    TRY(auto names, names_of(directory->get()));
    for (const auto& name : names) {
      std::string child = join_path(at, name);
      TRY_VOID(remember_times(directory->get(), child));
      if (!mine_.contains(child)) {
        tree_.forget_parent();
        TRY_VOID(remove_tree(directory->get(), name));
      } else if (is_directory(directory->get(), name)) {
        pending.push_back(std::move(child));
      }
    }
  }
  return {};
}

// What is in the way goes; a directory stays for a directory.
Status LayerWriter::clear_the_way(int parent, const std::string& name, bool directory) {
  struct stat st{};
  if (fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? Status() : fail_errno("stat " + name);
  if (directory && S_ISDIR(st.st_mode)) return {};
  return remove_tree(parent, name);
}

Status LayerWriter::make(ArchiveReader& reader, archive_entry* entry, const std::string& path) {
  auto type = archive_entry_filetype(entry);
  const char* link = archive_entry_hardlink(entry);
  if (path.empty()) {
    if (type != AE_IFDIR || link) return fail(Code::bad_request, "the root of the layer is no directory");
    TRY(auto root, tree_.directory(""));
    times_[""] = {{modified(entry), modified(entry)}};
    return set_attributes(root.get(), entry);
  }
  TRY(int parent, tree_.parent(path));
  TRY_VOID(remember_times(parent, path));
  std::string name = split_last(path).second;
  if (link) return make_hardlink(parent, name, link);
  if (type == AE_IFDIR) return make_directory_entry(parent, name, entry, path);
  TRY_VOID(clear_the_way(parent, name, false));
  if (type == AE_IFREG) return make_file(reader, parent, name, entry);
  return make_special(parent, name, entry);
}

Status LayerWriter::make_directory_entry(int parent, const std::string& name, archive_entry* entry,
                                         const std::string& path) {
  TRY_VOID(clear_the_way(parent, name, true));
  if (mkdirat(parent, name.c_str(), 0700) < 0 && errno != EEXIST) return fail_errno("make directory");
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("open directory");
  times_[path] = {{modified(entry), modified(entry)}};
  return set_attributes(fd.get(), entry);
}

Status LayerWriter::make_file(ArchiveReader& reader, int parent, const std::string& name,
                              archive_entry* entry) {
  Fd fd(openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("create");
  uint64_t left = limits_.bytes - stats_.bytes;
  auto size = static_cast<uint64_t>(archive_entry_size(entry));
  if (size > left) return fail(Code::payload_too_large, "the image is larger than is allowed");
  TRY(uint64_t written, reader.write_data(fd.get(), left));
  if (written < size && ftruncate(fd.get(), static_cast<off_t>(size)) < 0) return fail_errno("set the size");
  stats_.bytes += std::max(size, written);
  TRY_VOID(set_attributes(fd.get(), entry));
  timespec times[2] = {modified(entry), modified(entry)};
  return futimens(fd.get(), times) < 0 ? fail_errno("set times") : Status();
}

// The owner first: changing it clears set-id bits and file capabilities.
Status LayerWriter::set_attributes(int fd, archive_entry* entry) {
  if (fchown(fd, owner(archive_entry_uid(entry)), owner(archive_entry_gid(entry))) < 0)
    return fail_errno("set owner");
  if (fchmod(fd, archive_entry_perm(entry) & 07777) < 0) return fail_errno("set mode");
  return set_extended(fd, entry);
}

Status LayerWriter::make_hardlink(int parent, const std::string& name, const char* target) {
  TRY(auto path, clean_path(target));
  auto [above, last] = split_last(path);
  if (last.empty()) return fail(Code::bad_request, "hard link to the root");
  TRY(auto from, tree_.directory(above));
  struct stat source{}, there{};
  if (fstatat(from.get(), last.c_str(), &source, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno("hard link to " + path);
  if (S_ISDIR(source.st_mode)) return fail(Code::bad_request, "hard link to the directory " + path);
  bool same = fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
              there.st_ino == source.st_ino && there.st_dev == source.st_dev;
  if (same) return {};
  TRY_VOID(clear_the_way(parent, name, false));
  if (linkat(from.get(), last.c_str(), parent, name.c_str(), 0) < 0)
    return fail_errno("hard link to " + path);
  return {};
}

Status LayerWriter::make_special(int parent, const std::string& name, archive_entry* entry) {
  switch (archive_entry_filetype(entry)) {
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      if (!target || symlinkat(target, parent, name.c_str()) < 0) return fail_errno("make link");
      break;
    }
    case AE_IFIFO:
      if (mkfifoat(parent, name.c_str(), 0600) < 0) return fail_errno("make fifo");
      if (fchmodat(parent, name.c_str(), archive_entry_perm(entry) & 07777, 0) < 0)
        return fail_errno("set mode");
      break;
    default:  // devices: a sandbox has its own /dev
      ++stats_.devices_skipped;
      return {};
  }
  if (fchownat(parent, name.c_str(), owner(archive_entry_uid(entry)), owner(archive_entry_gid(entry)),
               AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno("set owner");
  timespec times[2] = {modified(entry), modified(entry)};
  return utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0 ? fail_errno("set times") : Status();
}

Status LayerWriter::finish() {
  for (const auto& [path, times] : times_) {
    auto directory = tree_.directory(path);
    if (directory && futimens(directory->get(), times.value) < 0) return fail_errno("set times of " + path);
  }
  return {};
}

}  // namespace dt::oci
