#include "apps/daemon/files/operations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "apps/daemon/files/copy.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/remove.h"
#include "apps/daemon/files/staged_file.h"
#include "apps/daemon/files/users.h"

namespace dt::daemon {
namespace {

std::unexpected<Error> failed(std::string_view path) { return std::unexpected(file_error(path, errno)); }

std::unexpected<Error> exists_already(const std::string& path) {
  return fail(Code::conflict, "destination already exists: " + path);
}

Result<std::optional<std::string>> move_across(const std::string& source, const std::string& destination) {
  Status copied = copy_tree(source, destination);
  if (!copied && copied.error().sys_errno == EEXIST) return exists_already(destination);
  if (!copied) return std::unexpected(copied.error());
  Status removed = remove_tree(source);
  if (!removed) return std::optional("failed to delete source: " + removed.error().message);
  return std::nullopt;
}

}  // namespace

Result<mode_t> parse_mode(std::string_view text) {
  bool octal = !text.empty() && text.size() <= 6 &&
               std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
  if (!octal) return fail(Code::bad_request, "invalid mode format: '" + std::string(text) + "'");
  mode_t mode = 0;
  for (char c : text) mode = mode * 8 + static_cast<mode_t>(c - '0');
  return mode & 0777;
}

Status make_folder(const std::string& path, mode_t mode) {
  struct stat st{};
  if (::stat(path.c_str(), &st) == 0) {
    if (S_ISDIR(st.st_mode)) return {};
    return std::unexpected(file_error(path, ENOTDIR));
  }
  if (errno != ENOENT) return failed(path);
  std::string parent = parent_of(path);
  if (parent != path && parent != "." && parent != "/") TRY_VOID(make_folder(parent, mode));
  if (::mkdir(path.c_str(), mode) == 0 ||
      (errno == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)))
    return {};
  return failed(path);
}

Status remove_path(const std::string& path, Recursive recursive) {
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return failed(path);
  if (recursive == Recursive::no) {
    if (S_ISDIR(st.st_mode))
      return std::unexpected(invalid_path("cannot delete a directory without recursive=true: " + path));
    if (::unlink(path.c_str()) < 0) return failed(path);
    return {};
  }
  if (base_name(path) == "." || base_name(path) == "..")
    return std::unexpected(invalid_path("cannot delete a path that ends in '.': " + path));
  return remove_tree(path);
}

Result<std::optional<std::string>> move_path(const std::string& source, const std::string& destination) {
  if (rename_new(AT_FDCWD, source.c_str(), AT_FDCWD, destination.c_str()) == 0) return std::nullopt;
  int err = errno;
  struct stat st{};
  if (::lstat(source.c_str(), &st) < 0) return failed(source);
  if (err == EEXIST || ::lstat(destination.c_str(), &st) == 0) return exists_already(destination);
  if (err == EXDEV) return move_across(source, destination);
  return std::unexpected(file_error(destination, err));
}

// Whatever is wrong with the request is said before anything is changed.
Status change_permissions(const std::string& path, const PermissionChange& change) {
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return failed(path);
  mode_t mode = 0;
  if (!change.mode.empty()) {
    TRY(mode, parse_mode(change.mode));
  }
  auto owner = change.owner.empty() ? std::optional<uint32_t>(UINT32_MAX) : user_id(change.owner);
  if (!owner) return fail(Code::bad_request, "invalid owner: unknown user " + change.owner);
  auto group = change.group.empty() ? std::optional<uint32_t>(UINT32_MAX) : group_id(change.group);
  if (!group) return fail(Code::bad_request, "invalid group: unknown group " + change.group);
  auto refused = [&] { return std::unexpected(as_bad_request(file_error(path, errno))); };
  if (!change.mode.empty() && ::chmod(path.c_str(), mode) < 0) return refused();
  if (change.owner.empty() && change.group.empty()) return {};
  if (::chown(path.c_str(), *owner, *group) < 0) return refused();
  return {};
}

}  // namespace dt::daemon
