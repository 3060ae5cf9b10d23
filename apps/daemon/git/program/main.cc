// daytona-git: what the daemon starts for one git operation. It is not meant for people. The operation's name
// and, after a newline, the members of the request as a JSON object come on descriptor 0; the answer goes to
// descriptor 1 (answer.h).
#include <malloc.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/operations.h"
#include "apps/daemon/git/program/repository.h"
#include "apps/daemon/git/program/ssh_transport.h"
#include "apps/daemon/git/program/trust.h"
#include "libs/base/fd.h"

extern "C" int __nss_configure_lookup(const char* database, const char* services);  // of the C library

namespace dt::git {
namespace {

constexpr size_t kRequestLimit = 64u << 20;

// The image's name service modules belong to the image's C library, and must not be loaded into this program.
void keep_to_own_name_services() {
  __nss_configure_lookup("hosts", "files dns");
  for (const char* database : {"passwd", "group", "shadow", "services", "protocols"})
    __nss_configure_lookup(database, "files");
}

Status run(Answer& answer) {
  TRY(std::string input, read_all(STDIN_FILENO, kRequestLimit));
  size_t line = input.find('\n');
  const Operation* operation = find_operation(std::string_view(input).substr(0, line));
  if (!operation || line == std::string::npos) return other("daytona-git does not know this operation");
  TRY(JsonBody body, JsonBody::parse(std::string_view(input).substr(line + 1), "GitRequest"));
  ::explicit_bzero(input.data(), input.size());
  if (operation->talks_to_servers)
    TRY_VOID(trust_authorities());
  else
    trust_nobody();
  TRY_VOID(set_up_library());
  TRY_VOID(register_ssh());
  return operation->run(body, answer);
}

int serve() {
  Answer answer(STDOUT_FILENO);
  Status done = run(answer);
  if (done) done = answer.finish();
  if (done) return 0;
  // What has begun cannot become an error any more: it stays cut off, and the exit code tells.
  if (answer.begun()) return 1;
  return answer.finish_with(done.error()) ? 0 : 1;
}

}  // namespace
}  // namespace dt::git

int main() {
  ::prctl(PR_SET_DUMPABLE, 0);  // programs of the same user may not read passwords
  ::prctl(PR_SET_NAME, "daytona-git");
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  dt::git::keep_to_own_name_services();
  ::_exit(dt::git::serve());  // the end of the process is the end of everything it has
}
