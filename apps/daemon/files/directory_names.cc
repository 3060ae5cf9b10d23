#include "apps/daemon/files/directory_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace dt::daemon {
namespace {

constexpr size_t kPiece = 32 * 1024;
constexpr size_t kMostText = UINT32_MAX;

// Some file systems leave the type out.
unsigned char type_of(int fd, const char* name) {
  struct stat st{};
  if (::fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(st.st_mode));
}

}  // namespace

void DirectoryNames::add(int fd, std::string_view name, unsigned char type) {
  if (name == "." || name == "..") return;
  if (type == DT_UNKNOWN) type = type_of(fd, name.data());
  entries_.push_back({static_cast<uint32_t>(text_.size()), static_cast<uint16_t>(name.size()), type});
  text_.append(name.data(), name.size() + 1);
}

int DirectoryNames::read(int fd) {
  alignas(dirent64) char buffer[kPiece];
  for (;;) {
    ssize_t n = ::getdents64(fd, buffer, sizeof buffer);
    if (n < 0) return errno;
    if (n == 0) break;
    for (ssize_t at = 0; at < n;) {
      auto* entry = reinterpret_cast<dirent64*>(buffer + at);
      at += entry->d_reclen;
      if (text_.size() > kMostText - sizeof entry->d_name) return EOVERFLOW;
      add(fd, entry->d_name, entry->d_type);
    }
  }
  std::ranges::sort(entries_, [this](const Entry& a, const Entry& b) {
    return std::string_view(text_.data() + a.at, a.length) < std::string_view(text_.data() + b.at, b.length);
  });
  return 0;
}

}  // namespace dt::daemon
