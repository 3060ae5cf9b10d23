// A minimal init for tests of the engine: says that it is ready, then runs shell commands. A client connects to descriptor 3, writes
// a command, shuts down its side, and reads the output followed by "\nexit=<status>\n".
// As `test_init eat N` it fills N MiB of memory.
// As `test_init probe NAME…` it makes single system calls and prints "NAME: ok" or "NAME: <errno name>" (see probes below).
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void serve(int connection) {
  std::string command;
  char buffer[4096];
  for (ssize_t n; (n = ::read(connection, buffer, sizeof buffer)) > 0;) command.append(buffer, static_cast<size_t>(n));
  pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(connection, 1);
    ::dup2(connection, 2);
    ::close(connection);
    ::close(3);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::dprintf(2, "cannot execute /bin/sh: %s", std::strerror(errno));
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ::dprintf(connection, "\nexit=%d\n", code);
  ::_exit(0);
}

// Fills so much memory.
int eat(size_t bytes) {
  char* memory = static_cast<char*>(std::malloc(bytes));
  for (size_t i = 0; memory != nullptr && i < bytes; i += 4096) const_cast<volatile char*>(memory)[i] = 1;
  return memory == nullptr;
}

}  // namespace

int run_probes(int argc, char** argv);

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "probe") return run_probes(argc - 2, argv + 2);
  if (mode == "eat" && argc > 2) return eat(static_cast<size_t>(std::atoi(argv[2])) << 20);
  if (mode == "exit") return 3;
  ::signal(SIGTERM, [](int) { ::_exit(0); });
  if (mode != "silent") {
    if (::write(4, "r", 1) != 1) return 4;
    ::close(4);
  }
  ::signal(SIGCHLD, SIG_IGN);   // the kernel reaps for us
  for (;;) {
    int connection = ::accept(3, nullptr, nullptr);
    if (connection < 0) {
      ::pause();
      continue;
    }
    if (::fork() == 0) {
      ::signal(SIGCHLD, SIG_DFL);
      serve(connection);
    }
    ::close(connection);
  }
}
