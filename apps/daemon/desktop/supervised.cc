#include "apps/daemon/desktop/supervised.h"

#include <fcntl.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <tuple>

#include "apps/daemon/process/kill_tree.h"
#include "libs/base/log.h"
#include "libs/base/text.h"

namespace dt::daemon::desktop {
namespace {

constexpr Millis kKillWait{2000};
constexpr Millis kLook{20};

// False: the deadline passed.
Task<bool> all_gone(Mark mark, Mono deadline) {
  while (!mark.carriers().empty()) {
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    co_await Loop::current().sleep_for(kLook);
  }
  co_return true;
}

}  // namespace

struct Supervised::Outputs {
  Fd input, log, errors;
};

Supervised::~Supervised() { scope_.stop_now(); }

// Blocks: on a worker.
Result<Supervised::Outputs> Supervised::open_outputs() const {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(program_.log_path).parent_path(), ignored);
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY;
  TRY(Fd input, open_file("/dev/null", O_RDONLY));
  TRY(Fd out, open_file(program_.log_path.c_str(), kAppend, 0644));
  TRY(Fd err, open_file(program_.error_path.c_str(), kAppend, 0644));
  return Outputs{std::move(input), std::move(out), std::move(err)};
}

Result<pid_t> Supervised::spawn(const Outputs& outputs, Mark mark) {
  std::vector<std::string> words{program_.path};
  words.insert(words.end(), program_.arguments.begin(), program_.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  SpawnRequest request{.program = program_.path.c_str(),
                       .argv = argv.data(),
                       .envp = process_.environment.block(program_.envs, merged),
                       .cwd = program_.cwd.empty() ? nullptr : program_.cwd.c_str(),
                       .stdin_fd = outputs.input.get(),
                       .stdout_fd = outputs.log.get(),
                       .stderr_fd = outputs.errors.get()};
  MarkedStart marked(mark);
  return process_.spawner.spawn(request);
}

Task<void> Supervised::start(Program program) {
  if (!supervised_) {
    program_ = std::move(program);
    supervised_ = true;
    starts_ = 0;
    for (Event* event : {&stopping_, &tried_, &ended_}) event->reset();
    scope_.spawn(keep());
  }
  co_await tried_.wait();
}

Task<void> Supervised::stop() {
  if (!supervised_) co_return;
  stopping_.set();
  wake_.set();
  co_await ended_.wait();
}

void Supervised::abandon() {
  abandoned_ = true;
  stopping_.set();
  wake_.set();
}

Task<void> Supervised::keep() {
  while (!stopping_.is_set()) {
    co_await run_once();
    tried_.set();
    if (!program_.auto_restart || stopping_.is_set()) break;
    co_await stopping_.wait(after(times_.restart));
  }
  supervised_ = false;
  tried_.set();
  ended_.set();
  changed_.set();
}

// A pid that could be had, or the reason in the error file.
Task<void> Supervised::run_once() {
  auto outputs = co_await files_.run([this] { return open_outputs(); });
  if (!outputs) {
    log::error("a program of the desktop does not start",
               {{"program", program_.path}, {"error", outputs.error().message}});
    co_return;
  }
  Mark mark = Mark::next();
  auto pid = spawn(*outputs, mark);
  if (!pid) {
    // One short line; the file was opened just now.
    std::ignore = write_all(outputs->errors.get(), pid.error().message + "\n");
    co_return;
  }
  *outputs = {};
  child_.emplace(process_.reaper, *pid);
  child_->on_exit([this] { wake_.set(); });
  ++starts_;
  tried_.set();
  changed_.set();
  while (!child_->exited() && !stopping_.is_set()) {
    co_await wake_.wait();
    wake_.reset();
  }
  if (!abandoned_) co_await end_tree(mark);
  child_.reset();
  changed_.set();
}

// Politely first: an X server removes its lock, a session saves its settings. Also after the program ended by
// itself: what it left behind would be in the way of the next one.
Task<void> Supervised::end_tree(Mark mark) {
  for (pid_t pid : mark.carriers()) ::kill(pid, SIGTERM);
  bool gone = co_await all_gone(mark, after(times_.grace));
  if (gone && child_->exited()) co_return;
  if (child_->exited())
    kill_marked(mark);
  else
    kill_tree(child_->pid(), mark);
  // A process in an uninterruptible call may take longer; nobody waits for it here.
  Mono end = after(kKillWait);
  co_await child_->wait(end);
  co_await all_gone(mark, end);
}

}  // namespace dt::daemon::desktop
