// daytona-ssh: what the daemon starts for one SSH connection, and what that starts for sftp. It is not meant
// for people.
//   daytona-ssh connection   descriptor 0 is the client's socket, descriptor 1 a pipe with the host key's
//   seed daytona-ssh sftp         the SFTP server on descriptors 0 and 1
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "apps/daemon/ssh/server/host_key.h"
#include "apps/daemon/ssh/server/server.h"
#include "apps/daemon/ssh/sftp/sftp_server.h"
#include "libs/base/log.h"

extern char** environ;

namespace dt::ssh {
namespace {

constexpr int kMmapFrom = 256 * 1024;

int serve_connection() {
  auto seed = read_all(STDOUT_FILENO, kSeedSize + 1);
  if (!seed || seed->size() != kSeedSize) return 2;
  Fd socket(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  // 0 and 1 are never what a program started here should see.
  if (auto nothing = open_file("/dev/null", O_RDWR); nothing && socket) {
    ::dup2(nothing->get(), STDIN_FILENO);
    ::dup2(nothing->get(), STDOUT_FILENO);
  } else {
    return 2;
  }
  Server server(environ);
  auto done = server.run(std::move(socket), *seed);
  ::explicit_bzero(seed->data(), seed->size());
  if (!done) log::info("SSH connection failed", {{"error", done.error().message}});
  return done ? 0 : 1;
}

}  // namespace
}  // namespace dt::ssh

int main(int argc, char** argv) {
  using namespace dt::ssh;
  ::prctl(PR_SET_DUMPABLE, 0);  // programs of the same user may not read keys
  ::prctl(PR_SET_NAME, "daytona-ssh");
  ::umask(022);
  // Buffers come and go with every burst; without limits the heap keeps the largest of each.
  ::mallopt(M_MMAP_THRESHOLD, kMmapFrom);
  ::mallopt(M_TRIM_THRESHOLD, kMmapFrom);
  const char* level = ::getenv("LOG_LEVEL");
  dt::log::configure("ssh", dt::log::parse_level(level ? level : ""), false);
  std::string_view mode = argc == 2 ? argv[1] : "";
  // The end of the process is the end of everything it has: nothing to tidy up.
  if (mode == "connection") ::_exit(serve_connection());
  if (mode == "sftp") ::_exit(serve_sftp(STDIN_FILENO, STDOUT_FILENO));
  return 2;
}
