#include "apps/daemon/git/program/way.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "apps/daemon/git/program/errors.h"

namespace dt::git {
namespace {

// `folder` relative to root, without slash at its end.
Status clear_folder(const std::string& root, std::string_view folder) {
  for (size_t slash = 0; slash != folder.npos;) {
    slash = folder.find('/', slash + 1);
    std::string path = root + std::string(folder.substr(0, slash));
    struct stat info;
    if (::lstat(path.c_str(), &info) < 0) return {};
    if (S_ISDIR(info.st_mode)) continue;
    if (::unlink(path.c_str()) < 0 && errno != ENOENT)
      return std::unexpected(with_prefix(errno_error("remove " + path, errno)));
    return {};
  }
  return {};
}

}  // namespace

Status clear_the_way(git_repository* repository, git_index* wanted, const git_pathspec* only) {
  std::string root = git_repository_workdir(repository), before;
  for (size_t i = 0; i < git_index_entrycount(wanted); ++i) {
    std::string_view path = git_index_get_byindex(wanted, i)->path;
    size_t slash = path.rfind('/');
    if (slash == path.npos || path.substr(0, slash) == before) continue;
    if (only && git_pathspec_matches_path(only, GIT_PATHSPEC_DEFAULT, path.data()) != 1) continue;
    before = path.substr(0, slash);
    TRY_VOID(clear_folder(root, before));
  }
  return {};
}

Status clear_the_way(git_repository* repository, git_object* commit, const git_pathspec* only) {
  Object tree;
  TRY_GIT(git_object_peel(tree.out(), commit, GIT_OBJECT_TREE));
  Index wanted;
  TRY_GIT(git_index_new(wanted.out()));
  TRY_GIT(git_index_read_tree(wanted, reinterpret_cast<git_tree*>(tree.get())));
  return clear_the_way(repository, wanted.get(), only);
}

}  // namespace dt::git
