#include "apps/daemon/recordings/capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>
#include <vector>

#include "apps/daemon/process/discard.h"
#include "apps/daemon/process/kill_tree.h"
#include "libs/base/text.h"

namespace dt::daemon::recordings {
namespace {

constexpr Millis kKillWait{2000};
constexpr Millis kExitAfterEnd{500};  // a program that closes its output is about to exit
constexpr size_t kToldErrors = 400;
constexpr const char* kDefaultDisplay = ":0";

// toolbox.md §22.2; the padding, because H.264 wants even sizes, and little but reports and errors to read.
std::vector<std::string> arguments(const std::string& display, const std::string& path) {
  return {"ffmpeg",
          "-hide_banner",
          "-loglevel",
          "error",
          "-nostats",
          "-progress",
          "pipe:1",
          "-stats_period",
          "0.2",
          "-f",
          "x11grab",
          "-framerate",
          "30",
          "-i",
          display,
          "-c:v",
          "libx264",
          "-preset",
          "ultrafast",
          "-vf",
          "pad=ceil(iw/2)*2:ceil(ih/2)*2",
          "-pix_fmt",
          "yuv420p",
          "-y",
          path};
}

struct Spawned {
  pid_t pid;
  Mark mark;
  Fd input, reports, errors;
};

Result<Spawned> spawn(ProcessContext& process, const std::string& program, const std::string& path) {
  TRY(Pipe input, make_pipe());
  TRY(Pipe reports, make_pipe());
  TRY(Pipe errors, make_pipe());
  for (int fd : {input.write.get(), reports.read.get(), errors.read.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  std::string_view display = process.environment.get("DISPLAY").value_or("");
  std::vector<std::string> words = arguments(display.empty() ? kDefaultDisplay : std::string(display), path);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  SpawnRequest request{.program = program.c_str(),
                       .argv = argv.data(),
                       .envp = process.environment.block({}, merged),
                       .cwd = process.work_dir.c_str(),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = reports.write.get(),
                       .stderr_fd = errors.write.get()};
  Mark mark = Mark::next();
  MarkedStart marked(mark);
  TRY(pid_t pid, process.spawner.spawn(request));
  return Spawned{pid, mark, std::move(input.write), std::move(reports.read), std::move(errors.read)};
}

std::string rest_of(int fd) {
  std::string out;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<size_t>(n));
  std::string_view text = trim(out);
  if (text.size() > kToldErrors) text = text.substr(text.size() - kToldErrors);
  return replace_invalid_utf8(text);
}

}  // namespace

Capture::Capture(ProcessContext& process, pid_t pid, Mark mark, Fd input, Fd errors)
    : process_(process),
      child_(process.reaper, pid),
      mark_(mark),
      input_(std::move(input)),
      errors_(std::move(errors)) {}

Capture::~Capture() {
  if (!child_.exited()) kill_tree(child_.pid(), mark_);
}

Task<Result<std::shared_ptr<Capture>>> Capture::start(ProcessContext& process, std::string path) {
  std::string program =
      find_program("ffmpeg", process.environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
  if (program.empty())
    co_return fail(Code::not_found, "FFmpeg must be installed and available in PATH to use screen recording");
  CO_TRY(Spawned spawned, spawn(process, program, path));
  std::shared_ptr<Capture> capture(
      new Capture(process, spawned.pid, spawned.mark, std::move(spawned.input), std::move(spawned.errors)));
  CO_TRY_VOID(co_await capture->first_report(std::move(spawned.reports)));
  co_return capture;
}

// A report comes when frames were encoded; nothing comes when the program ends before.
Task<Status> Capture::first_report(Fd reports) {
  ssize_t n = 0;
  {
    Watch watch(reports.get());
    child_.on_exit([&watch] { watch.cancel(); });
    Mono deadline = after(kStartTime);
    char buffer[512];
    while ((n = ::read(reports.get(), buffer, sizeof buffer)) < 0 && errno == EAGAIN && !child_.exited()) {
      bool in_time = co_await watch.readable(deadline);
      if (!in_time && !child_.exited()) break;
    }
    child_.on_exit(nullptr);
  }
  if (n > 0) {
    process_.background.spawn(discard_rest(std::move(reports)));
    process_.background.spawn(discard_rest(std::move(errors_)));
    co_return Status();
  }
  if (n == 0) co_await child_.wait(after(kExitAfterEnd));
  if (!child_.exited()) {
    kill_tree(child_.pid(), mark_);
    co_await child_.wait(after(kKillWait));
    co_return fail(Code::internal, "ffmpeg did not begin to record within " +
                                       std::to_string(kStartTime.count() / 1000) + " s");
  }
  std::string told = rest_of(errors_.get());
  co_return fail(Code::internal,
                 "ffmpeg ended at once, so nothing is recorded; is a desktop running? " + told);
}

void Capture::ask_to_stop() { std::ignore = ::write(input_.get(), "q", 1); }

Task<bool> Capture::stop() {
  ask_to_stop();
  bool ended = co_await child_.wait(after(kStopTime));
  if (ended) co_return true;
  kill_tree(child_.pid(), mark_);
  co_await child_.wait(after(kKillWait));
  co_return false;
}

}  // namespace dt::daemon::recordings
