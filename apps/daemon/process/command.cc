#include "apps/daemon/process/command.h"

#include <fcntl.h>
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

constexpr size_t kReadSize = 16 * 1024;  // with what is in memory one block of 64 KiB
constexpr Millis kKillWait{2000};
constexpr int kTurnsAfterKill = 4;  // one empties a pipe of any size that is allowed here

// The read end of a command's output, and what came out of it.
class Output {
 public:
  Output(Fd fd, CapturedOutput& kept, OutputFilter* filter)
      : fd_(std::move(fd)), kept_(kept), filter_(filter) {
    watch_.emplace(fd_.get());
  }

  bool ended() const { return ended_; }
  // Takes what is there. True: there may be more at once (the share of this turn is used up).
  Task<bool> take();
  Task<bool> readable(Mono deadline) { return watch_->readable(deadline); }
  void wake() { watch_->cancel(); }
  // A new registration, after wake().
  void rewatch() { watch_.emplace(fd_.get()); }
  Task<void> finish();
  Fd release() {
    watch_.reset();
    return std::move(fd_);
  }

 private:
  void keep(std::string_view bytes);
  Fd fd_;
  std::optional<Watch> watch_;
  CapturedOutput& kept_;
  OutputFilter* filter_;
  bool ended_ = false;
};

char* read_buffer() {
  static char buffer[kReadSize];  // one loop thread, used between two awaits only
  return buffer;
}

Task<bool> Output::take() {
  for (int turn = 0; turn < 32; ++turn) {
    ssize_t n = ::read(fd_.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ended_ = n == 0 || errno != EAGAIN;
      co_return false;
    }
    keep({read_buffer(), static_cast<size_t>(n)});
    if (kept_.full()) co_await kept_.spill();
  }
  co_return true;
}

void Output::keep(std::string_view bytes) {
  if (!filter_) return kept_.append(bytes);
  std::string wanted;
  filter_->feed(bytes, wanted);
  kept_.append(wanted);
}

Task<void> Output::finish() {
  if (filter_) {
    std::string wanted;
    filter_->finish(wanted);
    kept_.append(wanted);
  }
  co_await kept_.finish();
}

Task<void> feed(Fd fd, std::string text, size_t from) {
  Stream stream(std::move(fd));
  // Fails when the program ends without reading everything; that is its right.
  std::ignore = co_await stream.write_all(std::string_view(text).substr(from));
}

struct Started {
  pid_t pid;
  Fd output;
  Mark mark;  // none when there is no time-out
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
  Mark mark = spec.timeout_seconds ? Mark::next() : Mark();
  MarkedStart marked(mark);
  TRY(pid_t pid, context.spawner.spawn(request));
  input.read.reset();
  if (fed < spec.input.size())
    context.background.spawn(feed(std::move(input.write), std::move(spec.input), fed));
  return Started{pid, std::move(output.read), mark};
}

// Until the program ended or its time is over.
Task<bool> collect(Child& child, Output& output, Mono deadline) {
  child.on_exit([&output] { output.wake(); });
  while (!child.exited() && !output.ended()) {
    bool more = co_await output.take();
    if (more) {
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
    bool at_once = co_await output.take();
    if (at_once) {
      co_await Loop::current().yield();
      continue;
    }
    if (output.ended()) co_return;
    bool more = co_await output.readable(std::min(end, after(limits.drain_idle)));
    if (!more) co_return;
  }
}

}  // namespace

namespace {

CommandResult new_result(ProcessContext& context, size_t limit) {
  std::string_view directory = context.environment.get("TMPDIR").value_or("");
  if (directory.empty()) directory = "/tmp";
  return {.output = CapturedOutput(context.files, std::string(directory), limit)};
}

// Everything is killed; what it wrote before is still in the pipe.
Task<void> end_late(Child& child, Mark mark, Output& output) {
  kill_tree(child.pid(), mark);
  // A process in an uninterruptible call may take longer; the answer does not wait for it, the reaper does.
  co_await child.wait(after(kKillWait));
  bool more = !output.ended();
  for (int turn = 0; more && turn < kTurnsAfterKill; ++turn) more = co_await output.take();
}

}  // namespace

CommandResult not_run(ProcessContext& context, int exit_code, std::string_view why) {
  CommandResult result = new_result(context, CapturedOutput::kInMemory);
  result.end = CommandResult::End::not_started;
  result.exit_code = exit_code;
  result.output.append(why);
  return result;
}

Task<CommandResult> run_command(ProcessContext& context, CommandSpec spec, CommandLimits limits) {
  CommandResult result = new_result(context, limits.output_bytes);
  Mono deadline = spec.timeout_seconds ? after(std::chrono::seconds(spec.timeout_seconds)) : kNever;
  auto started = start(context, spec);
  if (!started) co_return not_run(context, -1, started.error().message);
  Child child(context.reaper, started->pid);
  Output output(std::move(started->output), result.output, spec.filter);
  bool finished = co_await collect(child, output, deadline);
  if (!finished) {
    result.end = CommandResult::End::timed_out;
    co_await end_late(child, started->mark, output);
  } else {
    co_await drain(output, limits);
    result.exit_code = child.exit_code();
    result.term_signal = child.term_signal();
  }
  co_await output.finish();
  if (!output.ended() && finished) context.background.spawn(discard_rest(output.release()));
  co_return result;
}

}  // namespace dt::daemon
