#include "libs/oci/root_tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libs/base/text.h"

namespace dt::oci {
namespace {

constexpr size_t kMaxPath = 4095, kMaxName = 255;

Result<Fd> open_in_root(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed meanwhile; nobody but us writes here, but a retry costs nothing.
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto fd =
        static_cast<int>(syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how));
    if (fd >= 0) return Fd(fd);
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return fail_errno("open directory " + path);
}

}  // namespace

Result<std::string> clean_path(std::string_view raw) {
  if (raw.size() > kMaxPath || raw.find('\0') != raw.npos)
    return fail(Code::bad_request, "bad path in archive");
  std::string clean;
  for (auto part : split(raw, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return fail(Code::bad_request, "path with '..' in archive: " + std::string(raw));
    if (part.size() > kMaxName) return fail(Code::bad_request, "name longer than 255 bytes in archive");
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

std::pair<std::string, std::string> split_last(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == path.npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<RootTree> RootTree::open(const std::string& directory) {
  RootTree tree;
  TRY(tree.root_, open_file(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return tree;
}

Result<Fd> RootTree::directory(const std::string& path) const { return open_in_root(root_.get(), path); }

Result<int> RootTree::parent(const std::string& path) {
  std::string above = split_last(path).first;
  if (cached_ && cached_path_ == above) return cached_.get();
  auto found = open_in_root(root_.get(), above);
  if (!found && found.error().code == Code::not_found) found = make_directories(above);
  if (!found) return std::unexpected(std::move(found).error());
  cached_ = std::move(*found);
  cached_path_ = above;
  return cached_.get();
}

Result<Fd> RootTree::make_directories(const std::string& path) {
  std::string done;
  TRY(auto at, open_in_root(root_.get(), ""));
  for (auto part : split(path, '/')) {
    done += (done.empty() ? "" : "/") + std::string(part);
    auto next = open_in_root(root_.get(), done);
    if (!next && next.error().code == Code::not_found) {
      if (mkdirat(at.get(), std::string(part).c_str(), 0755) < 0) return fail_errno("make directory " + done);
      if (fchmodat(at.get(), std::string(part).c_str(), 0755, 0) < 0) return fail_errno("chmod " + done);
      next = open_in_root(root_.get(), done);
    }
    if (!next) return std::unexpected(std::move(next).error());
    at = std::move(*next);
  }
  return at;
}

}  // namespace dt::oci
