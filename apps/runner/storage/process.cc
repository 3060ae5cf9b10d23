#include "apps/runner/storage/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::runner {
namespace {

const char* const kEnvironment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                    "LC_ALL=C", nullptr};

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { posix_spawn_file_actions_init(&value); }
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The last kibibyte of what comes; reads to the end so that the program never blocks.
std::string read_tail(int fd) {
  std::string tail;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    tail.append(buffer, static_cast<size_t>(n));
    if (tail.size() > 1024) tail.erase(0, tail.size() - 1024);
  }
  return tail;
}

}  // namespace

Status run_program(const std::vector<std::string>& argv) {
  TRY(auto errors, make_pipe());
  Actions actions;
  posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions.value, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.value, errors.write.get(), 2);
  std::vector<char*> args;
  for (const auto& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  pid_t pid = 0;
  int rc =
      posix_spawnp(&pid, args[0], &actions.value, nullptr, args.data(), const_cast<char**>(kEnvironment));
  if (rc == ENOENT) return fail(Code::unavailable, argv[0] + " is not installed");
  if (rc != 0) return fail_errno("start " + argv[0], rc);
  errors.write.reset();
  std::string tail = read_tail(errors.read.get());
  int status = wait_for(pid);
  if (status == 0) return {};
  return fail(Code::io, argv[0] + " failed: " + std::string(trim(tail)));
}

}  // namespace dt::runner
