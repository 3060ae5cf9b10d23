#include "apps/daemon/files/tree_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "apps/daemon/files/file_info.h"

namespace dt::daemon {
namespace {

constexpr int kDeepest = 1000;  // each level holds a descriptor

class Walk {
 public:
  Walk(TreeVisitor& visitor, const Ended& ended) : visitor_(visitor), ended_(ended) {}
  void descend(Fd fd, std::string path, int depth);
  bool complete() const { return complete_; }

 private:
  void enter(const OpenDirectory& above, size_t index, int depth);
  TreeVisitor& visitor_;
  const Ended& ended_;
  bool complete_ = true;
};

void Walk::descend(Fd fd, std::string path, int depth) {
  auto directory = std::make_shared<OpenDirectory>();
  directory->fd = std::move(fd);
  directory->path = std::move(path);
  if (directory->names.read(directory->fd.get()) != 0) return;
  size_t from = 0;
  for (size_t i = 0; i < directory->names.size() && !ended_.now; ++i) {
    if (directory->names.type(i) != DT_DIR) continue;
    visitor_.visit(directory, from, i + 1);
    from = i + 1;
    enter(*directory, i, depth + 1);
  }
  if (from < directory->names.size() && !ended_.now) visitor_.visit(directory, from, directory->names.size());
}

void Walk::enter(const OpenDirectory& above, size_t index, int depth) {
  Fd fd;
  if (depth <= kDeepest)
    fd = Fd(::openat(above.fd.get(), above.names.c_name(index),
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (fd) {
    descend(std::move(fd), joined_path(above.path, above.names.name(index)), depth);
  } else if (depth > kDeepest || errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
    complete_ = false;
  }
}

}  // namespace

bool walk_tree(Fd directory, const std::string& path, TreeVisitor& visitor, const Ended& ended) {
  Walk walk(visitor, ended);
  walk.descend(std::move(directory), path, 0);
  return walk.complete();
}

Root open_root(const std::string& path) {
  struct stat st{};
  Root root;
  if (::lstat(path.c_str(), &st) < 0) return root;
  bool directory = S_ISDIR(st.st_mode);
  if (!directory && !S_ISREG(st.st_mode)) return root;
  root.fd = Fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                                        (directory ? O_DIRECTORY : 0)));
  root.kind = directory ? RootKind::directory : RootKind::file;
  return root;
}

}  // namespace dt::daemon
