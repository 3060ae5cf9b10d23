#include "apps/daemon/session/print_logs.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/session/records.h"
#include "libs/base/fd.h"
#include "libs/base/log.h"

namespace dt::daemon {
namespace {

constexpr int kFailed = 1;

struct LogPrinter {
  Fd file;
  off_t offset = 0;
  Demux demux;

  // What was added since the last call; from the beginning again when the file was emptied.
  Status print() {
    struct stat st{};
    if (::fstat(file.get(), &st) == 0 && st.st_size < offset) {
      offset = 0;
      demux = Demux();
    }
    char buffer[32 * 1024];
    for (;;) {
      ssize_t n = ::pread(file.get(), buffer, sizeof buffer, offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("read the log");
      if (n == 0) return {};
      offset += n;
      TRY_VOID(print({buffer, static_cast<size_t>(n)}));
    }
  }

  // Line by line, so that the two streams come out in the order of the log.
  Status print(std::string_view bytes) {
    std::string out, err;
    while (!bytes.empty()) {
      size_t length = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
      std::string line, error_line;
      demux.feed(bytes.substr(0, length), line, error_line);
      bytes.remove_prefix(length);
      if (!error_line.empty()) TRY_VOID(flush(STDOUT_FILENO, out));
      if (!line.empty()) TRY_VOID(flush(STDERR_FILENO, err));
      out += line;
      err += error_line;
    }
    TRY_VOID(flush(STDOUT_FILENO, out));
    return flush(STDERR_FILENO, err);
  }

  static Status flush(int fd, std::string& text) {
    TRY_VOID(write_all(fd, text));
    text.clear();
    return {};
  }
};

Status follow(const std::string& path) {
  LogPrinter printer;
  TRY(printer.file, open_file(path.c_str(), O_RDONLY));
  Fd changes(::inotify_init1(IN_CLOEXEC));
  if (!changes || ::inotify_add_watch(changes.get(), path.c_str(), IN_MODIFY) < 0)
    return fail_errno("watch " + path);
  for (;;) {
    TRY_VOID(printer.print());
    alignas(inotify_event) char events[4096];
    if (::read(changes.get(), events, sizeof events) < 0 && errno != EINTR)
      return fail_errno("watch " + path);
  }
}

}  // namespace

int print_entrypoint_logs(const std::string& home) {
  auto failed = follow(home + "/.daytona/sessions/entrypoint/entrypoint_command/output.log");
  log::warn("no more entrypoint logs", {{"reason", failed ? "end" : failed.error().message}});
  return kFailed;
}

}  // namespace dt::daemon
