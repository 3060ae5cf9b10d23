#include "apps/daemon/ssh/sftp/listing.h"

#include <fmt/core.h>
#include <time.h>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::ssh {
namespace {

constexpr time_t kHalfYear = 365L * 24 * 60 * 60 / 2;

std::string mode_text(mode_t mode) {
  std::string out = "-rwxrwxrwx";
  for (int i = 0; i < 9; ++i)
    if (!(mode & (0400u >> i))) out[static_cast<size_t>(i) + 1] = '-';
  switch (mode & S_IFMT) {
    case S_IFDIR:
      out[0] = 'd';
      break;
    case S_IFLNK:
      out[0] = 'l';
      break;
    case S_IFCHR:
      out[0] = 'c';
      break;
    case S_IFBLK:
      out[0] = 'b';
      break;
    case S_IFIFO:
      out[0] = 'p';
      break;
    case S_IFSOCK:
      out[0] = 's';
      break;
    default:
      break;
  }
  if (mode & S_ISUID) out[3] = mode & S_IXUSR ? 's' : 'S';
  if (mode & S_ISGID) out[6] = mode & S_IXGRP ? 's' : 'S';
  if (mode & S_ISVTX) out[9] = mode & S_IXOTH ? 't' : 'T';
  return out;
}

std::string time_text(time_t when) {
  tm parts{};
  ::localtime_r(&when, &parts);
  time_t age = ::time(nullptr) - when;
  char text[32];
  size_t size =
      ::strftime(text, sizeof text, age >= 0 && age < kHalfYear ? "%b %e %H:%M" : "%b %e  %Y", &parts);
  return {text, size};
}

}  // namespace

std::string Listing::name_of(uint32_t id, const char* file, Names& names) {
  if (names.empty()) {
    names.emplace(0, "root");
    auto text = read_file(file, 1 << 20);
    for (std::string_view line : split(text ? *text : "", '\n')) {
      auto fields = split(line, ':');
      if (fields.size() < 3) continue;
      if (auto number = parse_int(fields[2]))
        names.insert_or_assign(static_cast<uint32_t>(*number), std::string(fields[0]));
    }
  }
  auto it = names.find(id);
  return it == names.end() ? std::to_string(id) : it->second;
}

std::string Listing::line(std::string_view name, const struct stat& st) {
  return fmt::format("{} {:3} {:<8} {:<8} {:8} {} {}", mode_text(st.st_mode), st.st_nlink,
                     name_of(st.st_uid, "/etc/passwd", users_), name_of(st.st_gid, "/etc/group", groups_),
                     st.st_size, time_text(st.st_mtime), name);
}

}  // namespace dt::ssh
