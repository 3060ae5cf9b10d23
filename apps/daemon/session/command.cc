#include "apps/daemon/session/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kTextInMemory = 512;

char* read_buffer() {
  static char buffer[kReadSize];  // one loop thread, used between two awaits only
  return buffer;
}

Status make_fifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) < 0) return fail_errno("create " + path);
  return {};
}

// A FIFO without writers reads as ended; it did end only when there was one.
bool had_writer(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

Error already_over(std::optional<int> exit_code) {
  std::string code = exit_code ? std::to_string(*exit_code) : "unknown";
  return Error{Code::gone, "gone: command has already completed with exit code " + code,
               "COMMAND_ALREADY_COMPLETED"};
}

}  // namespace

SessionCommand::SessionCommand(std::string id, std::string dir, Spec spec)
    : id_(std::move(id)),
      dir_(std::move(dir)),
      text_(spec.text.size() <= kTextInMemory ? std::move(spec.text) : ""),
      has_input_(spec.has_input),
      echo_input_(spec.echo_input) {}

std::string SessionCommand::text() const {
  if (!text_.empty()) return text_;
  auto text = read_file(file("cmd.sh"));
  if (!text) return {};
  if (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

Status SessionCommand::prepare(std::string_view text) {
  if (::mkdir(dir_.c_str(), 0755) < 0) return fail_errno("create " + dir_);
  TRY(Fd script, open_file(file("cmd.sh").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY_VOID(write_all(script.get(), text));
  TRY_VOID(write_all(script.get(), "\n"));
  TRY(Fd empty, open_file(file("output.log").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644));
  return {};
}

Status SessionCommand::open_fifos(TaskScope& scope) {
  TRY_VOID(log.open(file("output.log")));
  std::array<Fd, 2> ends;
  for (size_t i = 0; i < ends.size(); ++i) {
    std::string path = file(i == 0 ? "stdout.pipe" : "stderr.pipe");
    TRY_VOID(make_fifo(path));
    TRY(ends[i], open_file(path.c_str(), O_RDONLY | O_NONBLOCK));
  }
  if (has_input_) TRY_VOID(open_input());
  state_ = State::running;
  start_reader(scope, Channel::out, std::move(ends[0]));
  start_reader(scope, Channel::err, std::move(ends[1]));
  return {};
}

// Held open for both directions: opening never waits, and the command never sees an end.
Status SessionCommand::open_input() {
  if (input_) return {};
  std::string path = file("input.pipe");
  TRY_VOID(make_fifo(path));
  input_ = std::make_unique<Input>();
  TRY(input_->fd, open_file(path.c_str(), O_RDWR | O_NONBLOCK));
  return {};
}

Status SessionCommand::use_pipes(TaskScope& scope, Fd input, Fd output, Fd errors) {
  TRY_VOID(log.open(file("output.log")));
  for (const Fd* fd : {&input, &output, &errors})
    if (*fd && ::fcntl(fd->get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  if (input) {
    input_ = std::make_unique<Input>();
    input_->fd = std::move(input);
  }
  state_ = State::running;
  start_reader(scope, Channel::out, std::move(output));
  start_reader(scope, Channel::err, std::move(errors));
  return {};
}

void SessionCommand::start_reader(TaskScope& scope, Channel channel, Fd fd) {
  scope_ = &scope;
  Reader& r = reader(channel);
  r.fd = std::move(fd);
  r.watch.emplace(r.fd.get());
  r.ended = false;
  scope.spawn(pump(shared_from_this(), channel));
}

// True: there may be more at once (the share of this turn is used up).
bool SessionCommand::take(Channel channel) {
  Reader& r = reader(channel);
  for (int turn = 0; turn < 8 && !r.ended; ++turn) {
    ssize_t n = ::read(r.fd.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
      bool over = n < 0 || shell_done_ || had_writer(r.fd.get());
      if (over) stream_ended(channel);
      return false;
    }
    log.append(channel, {read_buffer(), static_cast<size_t>(n)});
    activity_.set();
  }
  return !r.ended;
}

void SessionCommand::stream_ended(Channel channel) {
  Reader& r = reader(channel);
  r.ended = true;
  r.watch->cancel();
  log.finish(channel);
  activity_.set();
  if (!silent_now()) return;
  silent.set();
  if (ended()) log.close();
}

Task<void> SessionCommand::pump(Self self, Channel channel) {
  Reader& r = self->reader(channel);
  while (!r.ended) {
    // Not before the first event: a FIFO that was not opened yet has nothing to say.
    bool soon = self->log.followed() && self->log.has_partial();
    Mono deadline = soon ? after(kPartialIdle) : kNever;
    bool ready = co_await r.watch->readable(deadline);
    if (!ready && !r.ended) self->log.flush();
    while (ready && self->take(channel)) co_await Loop::current().yield();
  }
  r.watch.reset();
  r.fd.reset();
}

void SessionCommand::complete(int exit_code) {
  if (shell_done_) return;
  shell_done_ = true;
  if (!scope_) return finish(State::done, exit_code);
  scope_->spawn(drain(shared_from_this(), exit_code));
}

Task<void> SessionCommand::drain(Self self, int exit_code) {
  Mono end = after(kDrainTotal);
  for (Channel channel : {Channel::out, Channel::err}) {
    while (std::chrono::steady_clock::now() < end && self->take(channel)) co_await Loop::current().yield();
  }
  while (!self->silent_now() && std::chrono::steady_clock::now() < end) {
    self->activity_.reset();
    bool moved = co_await self->activity_.wait(std::min(end, after(kDrainIdle)));
    if (!moved) break;
  }
  self->finish(State::done, exit_code);
}

void SessionCommand::finish(State state, int exit_code) {
  if (ended()) return;
  for (Channel channel : {Channel::out, Channel::err}) log.finish(channel);
  state_ = state;
  exit_code_ = exit_code;
  if (input_ && input_->watch) input_->watch->cancel();
  if (input_ && !input_->busy) input_.reset();
  for (const char* name : {"stdout.pipe", "stderr.pipe", "input.pipe"}) ::unlink(file(name).c_str());
  auto status = open_file(file("exit_code").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  if (status) std::ignore = write_all(status->get(), std::to_string(exit_code) + "\n");
  if (silent_now()) log.close();
  ended_.set();
  log.wake();
}

void SessionCommand::cancel() {
  shell_done_ = true;
  if (!ended()) {
    state_ = State::cancelled;
    if (input_ && input_->watch) input_->watch->cancel();
    ended_.set();
  }
  log.close();
  log.wake();
}

Task<bool> SessionCommand::wait_ended(Self self, Mono deadline) {
  co_return co_await self->ended_.wait(deadline);
}

Task<Status> SessionCommand::feed_input(Self self, std::string data) {
  if (self->ended()) co_return std::unexpected(already_over(self->exit_code_));
  if (!self->has_input_)
    co_return fail(Code::conflict, "the command was not started with runAsync and has no input");
  CO_TRY_VOID(self->open_input());
  Input& input = *self->input_;
  while (input.busy) {
    bool freed = co_await input.free.wait();
    if (!freed || self->ended()) co_return std::unexpected(already_over(self->exit_code_));
  }
  input.busy = true;
  input.free.reset();
  if (self->echo_input_) self->log.append_whole(Channel::out, data);
  Status status;
  std::string_view rest = data;
  while (!rest.empty() && status && !self->ended()) {
    ssize_t n = ::write(input.fd.get(), rest.data(), rest.size());
    if (n > 0) {
      rest.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      if (!input.watch) input.watch.emplace(input.fd.get());
      co_await input.watch->writable();
    } else if (errno != EINTR) {
      status =
          errno == EPIPE ? fail(Code::gone, "the command has closed its input") : fail_errno("write input");
    }
  }
  input.busy = false;
  input.free.set();
  if (self->ended()) {
    input.watch.reset();
    input.fd.reset();
  }
  if (status && !rest.empty()) status = std::unexpected(already_over(self->exit_code_));
  co_return status;
}

}  // namespace dt::daemon
