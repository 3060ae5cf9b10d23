#include "apps/daemon/files/file_info.h"

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/http/timestamp.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

std::string permissions_text(mode_t mode) {
  std::string out = "0000";
  for (int i = 0; i < 3; ++i)
    out[static_cast<size_t>(3 - i)] = static_cast<char>('0' + ((mode >> (3 * i)) & 7));
  return out;
}

void list_into(std::string& out, const std::string& path, unsigned depth, const ListOptions& options) {
  auto names = sorted_names(path);
  if (!names) return;
  for (const std::string& name : *names) {
    std::string full = joined_path(path, name);
    struct stat st{};
    if (::stat(full.c_str(), &st) < 0) continue;
    if (out.size() > 1) out += ',';
    write_file_info(out, name, st, options.with_path ? full : "");
    struct stat own{};
    bool real_dir =
        S_ISDIR(st.st_mode) && depth > 1 && ::lstat(full.c_str(), &own) == 0 && S_ISDIR(own.st_mode);
    if (real_dir) list_into(out, full, depth - 1, options);
  }
}

}  // namespace

std::string mode_text(mode_t mode) {
  std::string out;
  if (S_ISDIR(mode)) out += 'd';
  if (S_ISLNK(mode)) out += 'L';
  if (S_ISBLK(mode) || S_ISCHR(mode)) out += 'D';
  if (S_ISFIFO(mode)) out += 'p';
  if (S_ISSOCK(mode)) out += 'S';
  if (mode & S_ISUID) out += 'u';
  if (mode & S_ISGID) out += 'g';
  if (S_ISCHR(mode)) out += 'c';
  if (mode & S_ISVTX) out += 't';
  if (out.empty()) out = "-";
  constexpr std::string_view kLetters = "rwxrwxrwx";
  for (int bit = 8; bit >= 0; --bit) out += mode & (1U << bit) ? kLetters[static_cast<size_t>(8 - bit)] : '-';
  return out;
}

std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (path == "/") return "/";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string joined_path(std::string_view dir, std::string_view name) {
  while (dir.size() > 1 && dir.back() == '/') dir.remove_suffix(1);
  if (dir == ".") return std::string(name);
  return std::string(dir) + (dir == "/" ? "" : "/") + std::string(name);
}

void write_file_info(std::string& out, std::string_view name, const struct stat& st, std::string_view path) {
  out += "{\"name\":";
  codec::write_string(out, name);
  if (!path.empty()) {
    out += ",\"path\":";
    codec::write_string(out, path);
  }
  out += ",\"isDir\":";
  out += S_ISDIR(st.st_mode) ? "true" : "false";
  out += ",\"size\":" + std::to_string(st.st_size) + ",\"mode\":\"" + mode_text(st.st_mode) +
         "\",\"permissions\":\"" + permissions_text(st.st_mode) + "\",\"modTime\":\"" +
         long_form(st.st_mtim) + "\",\"modifiedAt\":\"" + rfc3339(st.st_mtim) + "\",\"owner\":\"" +
         std::to_string(st.st_uid) + "\",\"group\":\"" + std::to_string(st.st_gid) + "\"}";
}

Result<std::string> file_info_json(const std::string& path, bool with_path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return std::unexpected(file_error(path, errno));
  std::string out;
  write_file_info(out, base_name(path), st, with_path ? path : "");
  return out;
}

Result<std::vector<std::string>> sorted_names(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (!dir) return std::unexpected(file_error(path, errno));
  std::vector<std::string> names;
  while (dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> list_json(const std::string& path, ListOptions options) {
  // The directory itself must be readable; below it what fails is left out.
  TRY(auto names, sorted_names(path));
  std::string out = "[";
  out.reserve(names.size() * 256);
  list_into(out, path, options.depth, options);
  return out + "]";
}

}  // namespace dt::daemon
