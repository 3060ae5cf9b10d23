#include "bench/reference.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "bench/measure.h"
#include "libs/base/fd.h"

extern char** environ;

namespace dt::bench {
namespace {

bool succeeded(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// glibc's posix_spawn is clone(CLONE_VM | CLONE_VFORK) and exec. The loop's blocked SIGPIPE is not inherited.
pid_t spawn(const char* program, const char* const* argv, posix_spawn_file_actions_t& actions) {
  pid_t pid = 0;
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int failed = ::posix_spawn(&pid, program, &actions, &attributes, const_cast<char**>(argv), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed ? -1 : pid;
}

}  // namespace

bool run_command(const std::string& command) {
  std::string script = "exec " + command;
  const char* argv[] = {"sh", "-c", script.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = spawn("/bin/sh", argv, actions);
  return pid > 0 && succeeded(pid);
}

bool run_shell(const std::string& shell, const std::string& script, const std::string& expected) {
  auto input = make_pipe(), output = make_pipe();
  if (!input || !output || !write_all(input->write.get(), script)) return false;
  const char* argv[] = {"sh", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input->read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, output->write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, output->write.get(), 2);
  pid_t pid = spawn(shell.c_str(), argv, actions);
  input->write.reset();
  output->write.reset();
  if (pid < 0) return false;
  std::string text;
  char piece[4096];
  for (ssize_t n; (n = ::read(output->read.get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<size_t>(n));
  return succeeded(pid) && text.find(expected) != std::string::npos;
}

LivingShell::LivingShell(const std::string& shell) {
  auto input = make_pipe(), output = make_pipe();
  if (!input || !output) return;
  const char* argv[] = {"sh", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input->read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, output->write.get(), 1);
  pid_ = spawn(shell.c_str(), argv, actions);
  input->read.reset();
  output->write.reset();
  input_ = std::move(*input);
  output_ = std::move(*output);
}

LivingShell::~LivingShell() {
  input_.write.reset();
  if (pid_ > 0) succeeded(pid_);
}

bool LivingShell::run(const std::string& command, const std::string& expected) {
  if (pid_ < 0 || !write_all(input_.write.get(), command + "\n")) return false;
  std::string text;
  char piece[4096];
  while (!text.ends_with('\n')) {
    ssize_t n = ::read(output_.read.get(), piece, sizeof piece);
    if (n <= 0) return false;
    text.append(piece, static_cast<size_t>(n));
  }
  return text == expected + "\n";
}

double socket_rate(const std::string& shell, const std::string& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return 0;
  Fd ours(ends[0]), theirs(ends[1]);
  const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
  auto start = SteadyClock::now();
  pid_t pid = spawn(shell.c_str(), argv, actions);
  theirs.reset();
  std::string into(256 * 1024, 0);
  size_t bytes = 0;
  for (ssize_t n; (n = ::read(ours.get(), into.data(), into.size())) > 0;) bytes += static_cast<size_t>(n);
  double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  if (pid < 0 || !succeeded(pid)) return 0;
  return static_cast<double>(bytes) / 1e6 / seconds;
}

double loopback_rate(size_t bytes) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), raw, size) < 0 || ::listen(listener.get(), 1) < 0 ||
      ::getsockname(listener.get(), raw, &size) < 0 || ::connect(to.get(), raw, size) < 0)
    return 0;
  Fd from(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::string block(256 * 1024, 'x'), into(256 * 1024, 0);
  auto start = SteadyClock::now();
  std::thread writer([&] {
    for (size_t done = 0; done < bytes;) {
      ssize_t n = ::write(to.get(), block.data(), std::min(block.size(), bytes - done));
      if (n <= 0) break;
      done += static_cast<size_t>(n);
    }
    ::shutdown(to.get(), SHUT_WR);
  });
  while (::read(from.get(), into.data(), into.size()) > 0) {
  }
  writer.join();
  return static_cast<double>(bytes) / 1e6 / std::chrono::duration<double>(SteadyClock::now() - start).count();
}

}  // namespace dt::bench
