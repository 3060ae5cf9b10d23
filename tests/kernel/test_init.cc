// A minimal init for tests of the engine: says that it is ready, then runs shell commands. A client connects
// to descriptor 3, writes a command, shuts down its side, and reads the output followed by
// "\nexit=<status>\n". Other modes ("eat N": fill N MiB of memory, "int80", "chroot-escape", …) are single
// misdeeds. As `test_init probe NAME…` it makes single system calls and prints "NAME: ok" or "NAME: <errno
// name>" (see probes below).
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void serve(int connection) {
  std::string command;
  char buffer[4096];
  for (ssize_t n; (n = ::read(connection, buffer, sizeof buffer)) > 0;)
    command.append(buffer, static_cast<size_t>(n));
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
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
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

// Runs `call` in a child and tells how that ended.
int report_death(void (*call)()) {
  pid_t pid = ::fork();
  if (pid == 0) {
    call();
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    std::printf("killed by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
  } else {
    std::printf("survived\n");
  }
  return 0;
}

void call_int80() {
#ifdef __x86_64__
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");  // getpid of the 32-bit table
#endif
}
void call_x32() { ::syscall(0x40000000 | 39); }

int connect_abstract(const char* name) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + std::strlen(name));
  std::puts(::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 ? "connected"
                                                                            : strerrorname_np(errno));
  return 0;
}

// The classic: root with CAP_SYS_CHROOT walks out of a chroot. Lists where it ends.
int chroot_escape() {
  ::mkdir("/tmp/jail", 0755);
  if (::chroot("/tmp/jail") < 0) return 1;
  for (int i = 0; i < 64; ++i) (void)!::chdir("..");
  if (::chroot(".") < 0) return 1;
  DIR* d = ::opendir("/");
  while (dirent* e = d != nullptr ? ::readdir(d) : nullptr) std::printf("%s ", e->d_name);
  return 0;
}

}  // namespace

int run_probes(int argc, char** argv);

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "probe") return run_probes(argc - 2, argv + 2);
  if (mode == "eat" && argc > 2) return eat(static_cast<size_t>(std::atoi(argv[2])) << 20);
  if (mode == "int80") return report_death(call_int80);
  if (mode == "x32") return report_death(call_x32);
  if (mode == "connect-abstract" && argc > 2) return connect_abstract(argv[2]);
  if (mode == "chroot-escape") return chroot_escape();
  if (mode == "exit") return 3;
  ::signal(SIGTERM, [](int) { ::_exit(0); });
  if (mode != "silent") {
    if (::write(4, "r", 1) != 1) return 4;
    ::close(4);
  }
  ::signal(SIGCHLD, SIG_IGN);  // the kernel reaps for us
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
