#include "apps/daemon/interpreter/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "apps/daemon/process/discard.h"
#include "apps/daemon/process/kill_tree.h"

extern "C" {
extern const char dt_interpreter_worker_py[];
extern const unsigned long dt_interpreter_worker_py_size;
}

namespace dt::daemon::interpreter {
namespace {

// The program text comes as the first packet of the channel: nothing on disk that somebody could replace, and
// a short command line.
constexpr const char* kBootstrap =
    "import os; exec(compile(os.read(0, 1 << 18), '<interpreter>', 'exec'), {'__name__': "
    "'daytona_interpreter'})";
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kErrorPartBytes = 2u << 20;
constexpr size_t kPacketsPerTurn = 64;
constexpr size_t kRoundsPerTurn = 16;

char* read_buffer() {
  static char buffer[kPacketLimit];  // one loop thread, used between two awaits only
  return buffer;
}

struct Channel {
  Fd ours;
  Fd theirs;
};

Result<Channel> make_channel() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return fail_errno("socketpair");
  Channel channel{Fd(fds[0]), Fd(fds[1])};
  if (::fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) return fail_errno("socketpair");
  return channel;
}

Result<Pipe> output_pipe() {
  TRY(Pipe pipe, make_pipe());
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  return pipe;
}

Result<std::string> find_python(const Environment& environment) {
  std::string_view path = environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (const char* name : {"python3", "python"})
    if (std::string found = find_program(name, path); !found.empty()) return found;
  return fail(Code::internal, "no python3 and no python in PATH");
}

Task<void> tell(Watch& watch, Event& activity) {
  for (;;) {
    bool ready = co_await watch.readable();
    activity.set();
    if (!ready) co_return;
  }
}

}  // namespace

Worker::Worker(ProcessContext& process, pid_t pid, Mark mark, Fd channel, Fd out, Fd err)
    : process_(process),
      child_(process.reaper, pid),
      mark_(mark),
      channel_(std::move(channel)),
      raw_{{std::move(out), "stdout", {}, {}, false}, {std::move(err), "stderr", {}, {}, false}} {
  channel_watch_.emplace(channel_.get());
  for (RawPipe& raw : raw_) raw.watch.emplace(raw.fd.get());
}

Result<std::shared_ptr<Worker>> Worker::start(ProcessContext& process, TaskScope& tasks,
                                              const std::string& cwd) {
  TRY(std::string python, find_python(process.environment));
  TRY(Channel channel, make_channel());
  TRY(Pipe out, output_pipe());
  TRY(Pipe err, output_pipe());
  std::string words[] = {"python3", "-c", kBootstrap};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  Environment::Merged merged;
  SpawnRequest request{.program = python.c_str(),
                       .argv = argv,
                       .envp = process.environment.block({}, merged),
                       .cwd = cwd.c_str(),
                       .stdin_fd = channel.theirs.get(),
                       .stdout_fd = out.write.get(),
                       .stderr_fd = err.write.get()};
  if (::send(channel.ours.get(), dt_interpreter_worker_py, dt_interpreter_worker_py_size, 0) < 0)
    return fail_errno("start the interpreter");
  Mark mark = Mark::next();
  MarkedStart marked(mark);
  TRY(pid_t pid, process.spawner.spawn(request));
  auto worker = std::shared_ptr<Worker>(
      new Worker(process, pid, mark, std::move(channel.ours), std::move(out.read), std::move(err.read)));
  tasks.spawn(read(worker));
  return worker;
}

// Until the process ended or closed its channel.
Task<void> Worker::read(std::shared_ptr<Worker> self) {
  Worker& w = *self;
  TaskScope watches("interpreter descriptors");
  watches.spawn(tell(*w.channel_watch_, w.activity_));
  for (RawPipe& raw : w.raw_) watches.spawn(tell(*raw.watch, w.activity_));
  w.child_.on_exit([&w] { w.activity_.set(); });
  for (bool gone = false; !gone;) {
    w.activity_.reset();
    gone = w.child_.exited();
    bool more = true;
    for (size_t round = 0; more && round < kRoundsPerTurn; ++round) more = co_await w.read_round();
    if (more) w.activity_.set();
    gone = gone || w.channel_ended_;
    if (!gone) co_await w.activity_.wait();
  }
  w.lost_ = true;
  watches.stop_now();
  w.child_.on_exit(nullptr);
  // Code may have closed the channel under itself; then nothing can be asked of it any more.
  if (!w.child_.exited()) kill_tree(w.child_.pid(), w.mark_);
  co_await w.finish_run(Outcome::died);
  w.release();
}

// What the process left behind may go on writing to the pipes.
void Worker::release() {
  channel_watch_.reset();
  channel_.reset();
  for (RawPipe& raw : raw_) {
    raw.watch.reset();
    if (!raw.ended) process_.background.spawn(discard_rest(std::move(raw.fd)));
  }
}

// In the order in which things were written: the worker sends a packet only when nothing older is in the
// pipes, so what was sent when bytes are seen in a pipe, and these bytes are not read yet, is older than they
// are.
Task<bool> Worker::read_round() {
  co_await read_packets();
  size_t waiting[2] = {raw_[0].waiting(), raw_[1].waiting()};
  if (waiting[0] + waiting[1] == 0) co_return false;
  co_await read_packets();
  for (size_t i = 0; i < 2; ++i) co_await take_raw(raw_[i], waiting[i]);
  co_return true;
}

size_t Worker::RawPipe::waiting() {
  int count = 0;
  if (ended || ::ioctl(fd.get(), FIONREAD, &count) != 0) return 0;
  pollfd state{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (count == 0 && ::poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) && !(state.revents & POLLIN))
    ended = true;
  return static_cast<size_t>(count);
}

Task<void> Worker::read_packets() {
  for (size_t count = 0; !channel_ended_;) {
    ssize_t n = ::recv(channel_.get(), read_buffer(), kPacketLimit, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) co_return;
    if (n <= 0) {
      channel_ended_ = true;
      co_return;
    }
    auto packet = parse_packet({read_buffer(), static_cast<size_t>(n)});
    if (packet && run_) {
      std::string text(packet->text);  // the buffer is used again while we wait
      packet->text = text;
      co_await handle(*packet);
    }
    if (++count % kPacketsPerTurn == 0) co_await Loop::current().yield();
  }
}

namespace {

void append_part(std::string& part, std::string_view text) {
  part += text.substr(0, kErrorPartBytes - std::min(part.size(), kErrorPartBytes));
}

}  // namespace

Task<void> Worker::handle(Packet packet) {
  switch (packet.kind) {
    case Packet::Kind::out:
      co_await take_text("stdout", packet.text);
      break;
    case Packet::Kind::err:
      co_await take_text("stderr", packet.text);
      break;
    case Packet::Kind::error_name:
      append_part(error_.name, packet.text);
      break;
    case Packet::Kind::error_value:
      append_part(error_.value, packet.text);
      break;
    case Packet::Kind::error_traceback:
      append_part(error_.traceback, packet.text);
      break;
    case Packet::Kind::completed:
    case Packet::Kind::interrupted:
      if (packet.run != run_number_) break;
      co_await finish_run(packet.kind == Packet::Kind::completed ? Outcome::completed : Outcome::interrupted);
  }
}

Task<void> Worker::take_text(std::string_view type, std::string_view text) {
  std::shared_ptr<Run> run = run_;
  if (!run) co_return;
  run->add_text(type, text);
  if (run->full()) co_await run->room();
}

// At most `size` bytes that are known to be there.
Task<void> Worker::take_raw(RawPipe& raw, size_t size) {
  while (size > 0) {
    ssize_t n = ::read(raw.fd.get(), read_buffer(), std::min(size, kPacketLimit));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) co_return;
    size -= static_cast<size_t>(n);
    std::string_view text = raw.joiner.feed({read_buffer(), static_cast<size_t>(n)});
    co_await take_text(raw.type, text);
  }
}

// What programs wrote before the run's end belongs to it. An error comes after all output, the control frame
// last.
Task<void> Worker::finish_run(Outcome outcome) {
  if (outcome_) co_return;
  for (RawPipe& raw : raw_) co_await take_raw(raw, raw.waiting());
  std::shared_ptr<Run> run = std::exchange(run_, nullptr);
  outcome_ = outcome;
  for (RawPipe& raw : raw_) {
    std::string rest(raw.joiner.rest());
    if (run) run->add_text(raw.type, rest);
  }
  if (run && outcome != Outcome::died) {
    if (!error_.name.empty()) {
      error_.type = "error";
      run->add(std::exchange(error_, {}));
    }
    run->add(Frame{.type = "control",
                   .text = outcome == Outcome::completed ? "completed" : "interrupted",
                   .name = {},
                   .value = {},
                   .traceback = {}});
  }
  done_.set();
}

Task<bool> Worker::send(const std::string& request, Mono deadline) {
  for (size_t at = 0; at < request.size();) {
    size_t size = std::min(kPieceBytes, request.size() - at);
    std::string packet = at + size == request.size() ? "l" : "m";
    packet.append(request, at, size);
    ssize_t n = lost_ ? 0 : ::send(channel_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
    if (n > 0) {
      at += size;
    } else if (!lost_ && errno == EAGAIN) {
      bool ready = co_await channel_watch_->writable(deadline);
      if (!ready && !lost_) co_return false;
    } else if (lost_ || errno != EINTR) {
      co_return true;  // it is gone: the reader says so
    }
  }
  co_return true;
}

Task<std::optional<Worker::Outcome>> Worker::execute(std::shared_ptr<Run> run, Mono deadline) {
  std::string request;
  append_field(request, number_field(++run_number_));
  append_field(request, run->request.code);
  for (const auto& [name, value] : run->request.envs) {
    append_field(request, name);
    append_field(request, value);
  }
  done_.reset();
  outcome_.reset();
  error_ = {};
  run_ = std::move(run);
  if (lost_) co_return Outcome::died;
  bool sent = co_await send(request, deadline);
  if (!sent) co_return std::nullopt;
  request = {};
  co_return co_await outcome(deadline);
}

Task<std::optional<Worker::Outcome>> Worker::outcome(Mono deadline) {
  if (!outcome_) co_await done_.wait(deadline);
  co_return outcome_;
}

void Worker::interrupt() {
  if (!child_.exited()) ::kill(child_.pid(), SIGINT);
}

void Worker::kill() {
  if (!child_.exited()) kill_tree(child_.pid(), mark_);
}

Task<void> Worker::end(Millis patience) {
  if (child_.exited()) co_return;
  ::kill(child_.pid(), SIGTERM);
  bool ended = co_await child_.wait(after(patience));
  if (!ended) kill();
  if (!ended) co_await child_.wait(after(patience));
  if (ended) kill_marked(mark_);
}

}  // namespace dt::daemon::interpreter
