#include "apps/daemon/files/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <tuple>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/staged_file.h"
#include "libs/base/fd.h"
#include "libs/base/random.h"

namespace dt::daemon {
namespace {

// Each level holds a descriptor and a buffer while it is emptied; deeper ones are moved up to the root first.
constexpr int kDeepest = 64;
// How often somebody may put something into a directory, or something else in its place, while it is removed.
constexpr int kPatience = 32;

class Remover {
 public:
  int remove(int above, const char* name, bool directory, int depth);

 private:
  int remove_directory(int above, const char* name, int depth);
  int empty(Fd fd, int depth);
  int root_ = -1;          // the descriptor of the tree's own directory
  bool moved_up_ = false;  // the root has new entries
};

int Remover::empty(Fd fd, int depth) {
  int raw = fd.get();
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(raw), ::closedir);
  if (!dir) return errno;
  std::ignore = fd.release();
  if (depth == 0) root_ = raw;
  while (dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (int err = remove(raw, entry->d_name, entry->d_type == DT_DIR, depth + 1)) return err;
  }
  return 0;
}

// EAGAIN: it has become something else or got new entries; try again. ENOTDIR: it is no directory any more.
int Remover::remove_directory(int above, const char* name, int depth) {
  if (depth > kDeepest && ::renameat(above, name, root_, (".dtn-" + random_token(20)).c_str()) == 0) {
    moved_up_ = true;
    return 0;
  }
  if (depth > kDeepest) return errno;
  Fd fd(::openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno != EACCES) return errno == ELOOP ? ENOTDIR : errno;
  // An empty directory needs no permission to be read.
  bool unreadable = !fd;
  int err = fd ? empty(std::move(fd), depth) : 0;
  if (err != 0) return err;
  if (::unlinkat(above, name, AT_REMOVEDIR) == 0) return 0;
  if (unreadable) return EACCES;
  return errno == ENOTEMPTY || errno == EEXIST ? EAGAIN : errno;
}

int Remover::remove(int above, const char* name, bool directory, int depth) {
  for (int tries = 0; tries < kPatience; ++tries) {
    int err = 0;
    if (directory) {
      err = remove_directory(above, name, depth);
      if (err == EAGAIN && std::exchange(moved_up_, false)) tries = 0;
    } else if (::unlinkat(above, name, 0) < 0) {
      err = errno;
    }
    if (err == 0 || err == ENOENT) return 0;
    bool changed = directory ? err == ENOTDIR : err == EISDIR;
    if (changed)
      directory = !directory;
    else if (err != EAGAIN)
      return err;
  }
  return ENOTEMPTY;
}

}  // namespace

int remove_tree_at(int directory, const std::string& name) {
  return Remover().remove(directory, name.c_str(), false, 0);
}

Status remove_tree(const std::string& path) {
  std::string plain = path;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  Fd above(::open(parent_of(plain).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!above) return std::unexpected(file_error(path, errno));
  if (int err = remove_tree_at(above.get(), plain.substr(plain.rfind('/') + 1)))
    return std::unexpected(file_error(path, err));
  return {};
}

}  // namespace dt::daemon
