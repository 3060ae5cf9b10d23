#include "apps/daemon/desktop/outputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::daemon::desktop {

Result<std::string> read_output(const std::string& path) {
  constexpr off_t kMost = 16 << 20;
  TRY(Fd file, open_file(path.c_str(), O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode)) return fail(Code::io, path + " is no regular file");
  bool cut = info.st_size > kMost;
  if (cut && ::lseek(file.get(), info.st_size - kMost, SEEK_SET) < 0) return fail_errno(path);
  // It may grow while it is read.
  std::string text;
  char buffer[64 * 1024];
  while (text.size() < kMost) {
    ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0) return fail_errno(path);
    if (n == 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  if (cut) text.erase(0, text.find('\n') + 1);
  return replace_invalid_utf8(text);
}

}  // namespace dt::daemon::desktop
