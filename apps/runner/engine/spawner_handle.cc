#include "apps/runner/engine/spawner_handle.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "apps/runner/engine/protocol.h"
#include "libs/base/log.h"
#include "libs/linux/socket.h"

namespace dt::runner::engine {
namespace {

constexpr int kSocketFd = 3;

Result<pid_t> execute(const std::string& path, int socket) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, kSocketFd);
  std::string fd = std::to_string(kSocketFd);
  const char* argv[] = {path.c_str(), "spawner", "--fd", fd.c_str(), nullptr};
  char* envp[] = {nullptr};  // nothing of the runner's environment
  pid_t pid = 0;
  int err = ::posix_spawn(&pid, path.c_str(), &actions, nullptr, const_cast<char**>(argv), envp);
  posix_spawn_file_actions_destroy(&actions);
  if (err != 0) return fail_errno("start the spawner " + path, err);
  return pid;
}

}  // namespace

SpawnerHandle::~SpawnerHandle() {
  std::lock_guard lock(mutex_);
  end_locked();
}

void SpawnerHandle::end_locked() {
  socket_.reset();  // it ends when its socket closes
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

Status SpawnerHandle::start() {
  std::lock_guard lock(mutex_);
  return start_locked();
}

Status SpawnerHandle::start_locked() {
  end_locked();
  TRY(auto pair, linux_::message_socketpair());
  TRY(pid_, execute(path_, pair.second.get()));
  pair.second.reset();
  socket_ = std::move(pair.first);
  Status sent = linux_::send_message(socket_.get(), setup_);
  auto answer = sent ? linux_::receive_message(socket_.get(), 8192) : std::unexpected(sent.error());
  if (answer && is(answer->bytes, Tag::ready)) return {};
  Error error = !answer                          ? std::move(answer.error())
                : is(answer->bytes, Tag::failed) ? decode_failed(answer->bytes)
                                                 : Error{Code::internal, "unexpected answer", {}, 0};
  end_locked();
  return std::unexpected(std::move(error).context("the spawner did not start"));
}

Status SpawnerHandle::request(const std::string& bytes, std::span<const int> fds) {
  std::lock_guard lock(mutex_);
  if (socket_) {
    Status sent = linux_::send_message(socket_.get(), bytes, fds);
    if (sent || sent.error().code != Code::closed) return sent;
    log::warn("the spawner has ended; starting another", {{"pid", pid_}});
  }
  TRY_VOID(start_locked());
  return linux_::send_message(socket_.get(), bytes, fds);
}

pid_t SpawnerHandle::pid() const {
  std::lock_guard lock(mutex_);
  return pid_;
}

}  // namespace dt::runner::engine
