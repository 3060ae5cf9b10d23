#include "apps/daemon/git/program/new_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <tuple>
#include <utility>

#include "apps/daemon/git/program/errors.h"
#include "libs/base/fd.h"
#include "libs/base/tree.h"

namespace dt::git {
namespace {

namespace fs = std::filesystem;

// mkdir -p; returns the topmost that was not there before.
Result<std::string> make_with_parents(const fs::path& path) {
  fs::path so_far;
  std::string first;
  for (const fs::path& part : path) {
    so_far /= part;
    if (::mkdir(so_far.c_str(), 0777) == 0) {
      if (first.empty()) first = so_far;
    } else if (errno != EEXIST) {
      return fail_errno("make " + so_far.string());
    }
  }
  return first;
}

bool is_empty(const std::string& path) {
  std::error_code error;
  return fs::directory_iterator(path, error) == fs::directory_iterator() && !error;
}

void remove(const std::string& path) {
  fs::path whole(path);
  fs::path parent = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  if (auto fd = open_directory(parent)) std::ignore = remove_tree(fd->get(), whole.filename());
}

}  // namespace

Result<NewFolder> NewFolder::make(const std::string& path) {
  struct stat info;
  bool there = ::lstat(path.c_str(), &info) == 0;
  if (there && ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
    return conflict("'" + path + "' is there and is no directory");
  if (::access((path + "/.git").c_str(), F_OK) == 0) return conflict("repository already exists");
  TRY(std::string first, make_with_parents(fs::path(path).lexically_normal()));
  if (!is_empty(path)) return conflict("'" + path + "' already exists and is not an empty directory");
  return NewFolder(path, std::move(first));
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")), first_made_(std::move(other.first_made_)) {}

NewFolder::~NewFolder() {
  if (path_.empty()) return;
  if (first_made_.empty())
    std::ignore = empty_directory(path_);
  else
    remove(first_made_);
}

}  // namespace dt::git
