#include "apps/daemon/process/command.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "apps/daemon/process/discard.h"
#include "apps/daemon/process/kill_tree.h"
#include "libs/net/stream.h"

namespace dt::daemon {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// Freed memory goes back to the system after outputs of this size.
constexpr size_t kTrimFrom = 1 << 20;
constexpr Millis kKillWait{2000};

// The read end of a command's output.
class Output {
 public:
  Output(Fd fd, size_t limit) : fd_(std::move(fd)), limit_(limit) { watch_.emplace(fd_.get()); }

  bool ended() const { return ended_; }
  // Takes what is there. True: there may be more at once (the share of this turn is used up).
  bool take();
  Task<bool> readable(Mono deadline) { return watch_->readable(deadline); }
  void wake() { watch_->cancel(); }
  // A new registration, after wake().
  void rewatch() { watch_.emplace(fd_.get()); }
  std::string finish();
  Fd release() {
    watch_.reset();
    return std::move(fd_);
  }

 private:
  void append(std::string_view bytes);
  Fd fd_;
  std::optional<Watch> watch_;
  size_t limit_;
  std::string text_;
  bool cut_ = false;
  bool ended_ = false;
};

char* read_buffer() {
  static char buffer[kReadSize];  // one loop thread, used between two awaits only
  return buffer;
}

bool Output::take() {
  for (int turn = 0; turn < 16; ++turn) {
    ssize_t n = ::read(fd_.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ended_ = errno != EAGAIN;
      return false;
    }
    if (n == 0) {
      ended_ = true;
      return false;
    }
    append({read_buffer(), static_cast<size_t>(n)});
  }
  return true;
}

void Output::append(std::string_view bytes) {
  size_t room = limit_ - text_.size();
  if (bytes.size() > room) cut_ = true;
  text_.append(bytes.substr(0, room));
}

std::string Output::finish() {
  if (cut_) text_ += kCutMark;
  return std::move(text_);
}

Task<void> feed(Fd fd, std::string text, size_t from) {
  Stream stream(std::move(fd));
  // Fails when the program ends without reading everything; that is its right.
  std::ignore = co_await stream.write_all(std::string_view(text).substr(from));
}

struct Started {
  pid_t pid;
  Fd output;
};

bool has_nul(const CommandSpec& spec) {
  auto bad = [](const std::string& s) { return s.find('\0') != std::string::npos; };
  return bad(spec.program) || bad(spec.cwd) || std::ranges::any_of(spec.argv, bad) ||
         std::ranges::any_of(spec.envs, [&](const auto& e) { return bad(e.first) || bad(e.second); });
}

Result<Started> start(ProcessContext& context, CommandSpec& spec) {
  if (has_nul(spec)) return fail(Code::bad_request, "fork/exec " + spec.program + ": invalid argument");
  TRY(Pipe input, make_pipe());
  TRY(Pipe output, make_pipe());
  if (::fcntl(output.read.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  if (::fcntl(input.write.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");

  std::vector<char*> argv;
  for (std::string& word : spec.argv) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  // Whatever fits goes into the pipe before the program starts; the rest is fed while it runs.
  ssize_t written = ::write(input.write.get(), spec.input.data(), spec.input.size());
  size_t fed = written > 0 ? static_cast<size_t>(written) : 0;
  SpawnRequest request{.program = spec.program.c_str(),
                       .argv = argv.data(),
                       .envp = context.environment.block(spec.envs, merged),
                       .cwd = spec.cwd.empty() ? nullptr : spec.cwd.c_str(),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = output.write.get(),
                       .stderr_fd = output.write.get()};
  TRY(pid_t pid, context.spawner.spawn(request));
  input.read.reset();
  if (fed < spec.input.size())
    context.background.spawn(feed(std::move(input.write), std::move(spec.input), fed));
  return Started{pid, std::move(output.read)};
}

// Until the program ended or its time is over.
Task<bool> collect(Child& child, Output& output, Mono deadline) {
  child.on_exit([&output] { output.wake(); });
  while (!child.exited() && !output.ended()) {
    if (output.take()) {
      if (std::chrono::steady_clock::now() >= deadline) co_return false;
      co_await Loop::current().yield();
      continue;
    }
    if (output.ended() || child.exited()) break;
    bool ready = co_await output.readable(deadline);
    if (!ready && !child.exited()) co_return false;
  }
  if (output.ended()) child.on_exit(nullptr);
  co_return co_await child.wait(deadline);
}

// What the program wrote is in the pipe when it ended. Children it left behind get a bounded time.
Task<void> drain(Output& output, const CommandLimits& limits) {
  if (output.ended()) co_return;
  output.rewatch();
  Mono end = after(limits.drain_total);
  while (std::chrono::steady_clock::now() < end) {
    if (output.take()) {
      co_await Loop::current().yield();
      continue;
    }
    if (output.ended()) co_return;
    bool more = co_await output.readable(std::min(end, after(limits.drain_idle)));
    if (!more) co_return;
  }
}

}  // namespace

Task<CommandResult> run_command(ProcessContext& context, CommandSpec spec, CommandLimits limits) {
  CommandResult result;
  Mono deadline = spec.timeout_seconds ? after(std::chrono::seconds(spec.timeout_seconds)) : kNever;
  auto started = start(context, spec);
  if (!started) {
    result.end = CommandResult::End::not_started;
    result.output = std::move(started.error().message);
    co_return result;
  }
  Child child(context.reaper, started->pid);
  Output output(std::move(started->output), limits.output_bytes);
  bool finished = co_await collect(child, output, deadline);
  if (!finished) {
    kill_tree(child.pid());
    // A process in an uninterruptible call may take longer; the answer does not wait for it, the reaper does.
    co_await child.wait(after(kKillWait));
    result.end = CommandResult::End::timed_out;
    co_return result;
  }
  co_await drain(output, limits);
  result.exit_code = child.exit_code();
  result.term_signal = child.term_signal();
  bool held = !output.ended();
  result.output = output.finish();
  if (held) context.background.spawn(discard_rest(output.release()));
  if (result.output.size() >= kTrimFrom) ::malloc_trim(0);
  co_return result;
}

}  // namespace dt::daemon
