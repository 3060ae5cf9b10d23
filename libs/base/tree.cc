#include "libs/base/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace dt {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

bool is_dots(const char* name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

Result<Dir> open_dir(int parent, const char* name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail_errno(std::string("open ") + name);
  DIR* dir = fdopendir(fd);
  if (!dir) {
    close(fd);
    return fail_errno("fdopendir");
  }
  return Dir(dir);
}

// Unlinks what is no directory; the name of the first entry that is one, "" when the directory is empty.
Result<std::string> unlink_files(DIR* dir) {
  rewinddir(dir);
  errno = 0;
  while (dirent* entry = readdir(dir)) {
    if (is_dots(entry->d_name)) continue;
    if (unlinkat(dirfd(dir), entry->d_name, 0) == 0 || errno == ENOENT) continue;
    if (errno == EISDIR || errno == EPERM) return std::string(entry->d_name);
    return fail_errno(std::string("unlink ") + entry->d_name);
  }
  return std::string();
}

// A deep tree is flattened instead of walked: a subdirectory's directories are renamed up into `root` under
// fresh names, so neither descriptors nor stack grow with the depth.
Status flatten_and_remove(DIR* root) {
  uint64_t fresh = 0;
  for (;;) {
    TRY(auto name, unlink_files(root));
    if (name.empty()) return {};
    TRY(auto child, open_dir(dirfd(root), name.c_str()));
    for (;;) {
      TRY(auto inner, unlink_files(child.get()));
      if (inner.empty()) break;
      std::string aside = ".rm" + std::to_string(fresh++);
      if (renameat2(dirfd(child.get()), inner.c_str(), dirfd(root), aside.c_str(), RENAME_NOREPLACE) < 0 &&
          errno != EEXIST)
        return fail_errno("rename " + inner);
    }
    child.reset();
    if (unlinkat(dirfd(root), name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
      return fail_errno("rmdir " + name);
  }
}

}  // namespace

Result<Fd> open_directory(const std::string& path) {
  return open_file(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Status make_directory(const std::string& path, unsigned mode) {
  if (mkdir(path.c_str(), mode) < 0 && errno != EEXIST) return fail_errno("mkdir " + path);
  TRY(auto fd, open_directory(path));
  if (fchmod(fd.get(), mode) < 0) return fail_errno("chmod " + path);
  return {};
}

Status remove_tree(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno("unlink " + name);
  TRY(auto dir, open_dir(parent, name.c_str()));
  TRY_VOID(flatten_and_remove(dir.get()));
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) return fail_errno("rmdir " + name);
  return {};
}

Status empty_directory(const std::string& path) {
  TRY(auto dir, open_dir(AT_FDCWD, path.c_str()));
  return flatten_and_remove(dir.get());
}

}  // namespace dt
