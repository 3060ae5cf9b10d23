#include "apps/daemon/files/file_info.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "apps/daemon/files/directory_names.h"
#include "apps/daemon/files/file_error.h"
#include "apps/daemon/http/timestamp.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kListLimit = 1u << 30;
constexpr unsigned kDeepestList = 1000;  // each level holds a descriptor

std::string permissions_text(mode_t mode) {
  std::string out = "0000";
  for (int i = 0; i < 3; ++i)
    out[static_cast<size_t>(3 - i)] = static_cast<char>('0' + ((mode >> (3 * i)) & 7));
  return out;
}

class Listing {
 public:
  Listing(const ListOptions& options, const Ended& ended) : options_(options), ended_(ended) {}
  void list(const Fd& directory, const DirectoryNames& names, const std::string& path, unsigned depth);
  Response finish() { return std::move(answer_).finish("]"); }

 private:
  bool add(int directory, const char* name, const std::string& full);
  const ListOptions& options_;
  const Ended& ended_;
  AnswerFile answer_{"[", kListLimit};
  std::string text_;
  bool first_ = true;
};

// True: it is a directory.
bool Listing::add(int directory, const char* name, const std::string& full) {
  struct stat st{};
  if (::fstatat(directory, name, &st, 0) < 0) return false;
  text_.assign(first_ ? "" : ",");
  write_file_info(text_, name, st, options_.with_path ? full : "");
  first_ = !answer_.append(text_) && first_;
  return S_ISDIR(st.st_mode);
}

void Listing::list(const Fd& directory, const DirectoryNames& names, const std::string& path,
                   unsigned depth) {
  for (size_t i = 0; i < names.size() && !ended_.now && !answer_.truncated(); ++i) {
    std::string full = joined_path(path, names.name(i));
    bool inside = add(directory.get(), names.c_name(i), full);
    if (!inside || depth >= options_.depth || names.type(i) != DT_DIR) continue;
    if (depth >= kDeepestList) answer_.mark_truncated();
    Fd fd(::openat(directory.get(), names.c_name(i), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    DirectoryNames below;
    if (fd && below.read(fd.get()) == 0) list(fd, below, full, depth + 1);
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

Result<Response> list_directory(const std::string& path, const ListOptions& options, const Ended& ended) {
  // The directory itself must be readable; below it what fails is left out.
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(file_error(path, errno));
  DirectoryNames names;
  if (int err = names.read(fd.get())) return std::unexpected(file_error(path, err));
  Listing listing(options, ended);
  listing.list(fd, names, path, 1);
  return listing.finish();
}

}  // namespace dt::daemon
