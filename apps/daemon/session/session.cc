#include "apps/daemon/session/session.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <tuple>

#include "apps/daemon/process/kill_tree.h"
#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr size_t kTokenLength = 24;
constexpr std::string_view kSpareRoot = "/dev/shm/.daytona-session-";
constexpr Millis kSuspectAfter{1000};

int shell_exit_code(const Child& child) {
  return child.term_signal() ? 128 + child.term_signal() : child.exit_code();
}

// No room, or not writable: another place may do.
bool elsewhere(const Error& error) {
  return error.code == Code::insufficient_storage || error.code == Code::forbidden ||
         error.sys_errno == EROFS;
}

}  // namespace

Session::Session(Context context, std::string id, std::string dir)
    : context_(context), id_(std::move(id)), dir_(std::move(dir)) {}

Session::~Session() = default;

Result<Session::Started> Session::spawn_shell(const std::string& shell, const std::string& cwd) {
  TRY(Pipe input, make_pipe());
  TRY(Pipe output, make_pipe());
  TRY(Fd nowhere, open_file("/dev/null", O_WRONLY));
  for (int fd : {input.write.get(), output.read.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  std::string name = shell;
  char* argv[] = {name.data(), nullptr};
  Environment::Merged merged;
  SpawnRequest request{.program = shell.c_str(),
                       .argv = argv,
                       .envp = context_.process.environment.block({}, merged),
                       .cwd = cwd.c_str(),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = output.write.get(),
                       .stderr_fd = nowhere.get()};
  MarkedStart marked(mark_);
  TRY(pid_t pid, context_.process.spawner.spawn(request));
  child_.emplace(context_.process.reaper, pid);
  return Started{std::move(input.write), std::move(output.read)};
}

Result<std::string> Session::choose_shell() {
  if (!context_.shell.empty()) return context_.shell;
  TRY(std::string shell, context_.process.shells.shell());
  if (speaks_posix(shell)) return shell;
  shell = find_program("sh", "/usr/local/bin:/usr/bin:/bin");
  if (shell.empty()) return fail(Code::not_found, "exec: \"sh\": executable file not found");
  return shell;
}

Status Session::start(const std::string& cwd) {
  TRY(std::string shell, choose_shell());
  family_ = shell_family(shell);
  mark_ = Mark::next();
  TRY(Started started, spawn_shell(shell, cwd));
  shell_in_.emplace(std::move(started.input));
  shell_out_ = std::move(started.output);
  shell_out_watch_.emplace(shell_out_.get());
  context_.scope.spawn(listen(shared_from_this()));
  context_.scope.spawn(watch_child(shared_from_this()));
  context_.scope.spawn(say(shared_from_this(), shell_prologue(family_)));
  return {};
}

Status Session::start_entrypoint(const std::string& script) {
  TRY(std::string shell, context_.process.shells.shell());
  TRY(running_, prepare(std::string(kEntrypointCommand), {.text = script, .has_input = true}));
  commands_.push_back(running_);
  TRY(Pipe input, make_pipe());
  TRY(Pipe output, make_pipe());
  TRY(Pipe errors, make_pipe());
  // The shell replaces itself, so that signals reach the command and its end is seen as its own.
  std::string text = "exec " + script;
  std::string flag = "-c";
  char* argv[] = {shell.data(), flag.data(), text.data(), nullptr};
  Environment::Merged merged;
  SpawnRequest request{.program = shell.c_str(),
                       .argv = argv,
                       .envp = context_.process.environment.block({}, merged),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = output.write.get(),
                       .stderr_fd = errors.write.get()};
  mark_ = Mark::next();
  MarkedStart marked(mark_);
  TRY(pid_t pid, context_.process.spawner.spawn(request));
  child_.emplace(context_.process.reaper, pid);
  context_.scope.spawn(watch_child(shared_from_this()));
  return running_->use_pipes(context_.scope, std::move(input.write), std::move(output.read),
                             std::move(errors.read));
}

Status Session::make_spare_dir() {
  if (!spare_dir_.empty()) return {};
  std::string made = std::string(kSpareRoot) + random_token(kTokenLength);
  if (::mkdir(made.c_str(), 0700) < 0) return fail_errno("create " + made);
  spare_dir_ = made;
  return {};
}

Status Session::pretend_entrypoint(const std::string& script) {
  TRY(running_, prepare(std::string(kEntrypointCommand), {.text = script, .has_input = true}));
  commands_.push_back(running_);
  return {};
}

Result<Session::CommandPtr> Session::prepare(const std::string& command, SessionCommand::Spec spec) {
  std::error_code error;
  std::filesystem::create_directories(dir_, error);
  auto made = std::make_shared<SessionCommand>(command, dir_ + "/" + command, spec);
  Status status = made->prepare(spec.text);
  if (!status && elsewhere(status.error())) {
    std::filesystem::remove_all(made->dir(), error);
    TRY_VOID(make_spare_dir());
    made = std::make_shared<SessionCommand>(command, spare_dir_ + "/" + command, spec);
    status = made->prepare(spec.text);
  }
  if (!status) return std::unexpected(std::move(status).error());
  return made;
}

Result<Session::CommandPtr> Session::submit(SessionCommand::Spec spec) {
  if (cancelled_ || !child_ || child_->exited()) return std::unexpected(gone());
  TRY(CommandPtr command, prepare(uuid_v4(), std::move(spec)));
  commands_.push_back(command);
  queue_.push_back(command);
  forget_old();
  if (!running_) start_next();
  return command;
}

void Session::start_next() {
  while (!queue_.empty() && !running_ && !child_->exited()) {
    CommandPtr command = std::move(queue_.front());
    queue_.pop_front();
    auto opened = command->open_fifos(context_.scope);
    if (!opened) {
      log::error("a session command does not start", {{"error", opened.error().message}});
      command->complete(kNeverStarted);
      continue;
    }
    running_ = command;
    token_ = random_token(kTokenLength);
    std::string input = command->has_input() ? command->file("input.pipe") : "";
    std::string line = shell_line(family_, {.script = command->file("cmd.sh"),
                                            .input = input,
                                            .output = command->file("stdout.pipe"),
                                            .errors = command->file("stderr.pipe"),
                                            .token = token_});
    context_.scope.spawn(say(shared_from_this(), std::move(line)));
    context_.scope.spawn(suspect(shared_from_this(), command));
  }
}

// Fails when the shell is gone; its end is noticed elsewhere.
Task<void> Session::say(Self self, std::string line) {
  std::ignore = co_await self->shell_in_->write_all(line);
}

// False: nobody can report any more.
bool Session::take_reports() {
  char buffer[1024];
  for (;;) {
    ssize_t n = ::read(shell_out_.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    auto code = reports_.feed({buffer, static_cast<size_t>(n)}, token_);
    if (!code || !running_) continue;
    token_.clear();
    std::exchange(running_, nullptr)->complete(*code);
    start_next();
  }
}

Task<void> Session::listen(Self self) {
  while (self->take_reports()) {
    bool ready = co_await self->shell_out_watch_->readable();
    if (!ready) co_return;
  }
}

Task<void> Session::watch_child(Self self) {
  co_await self->child_->wait();
  if (self->shell_out_) {
    self->take_reports();  // one may have come just before the end; it counts
    self->shell_out_watch_->cancel();
  }
  self->shell_ended();
}

void Session::shell_ended() {
  int code = shell_exit_code(*child_);
  if (running_) std::exchange(running_, nullptr)->complete(code);
  for (const CommandPtr& command : std::exchange(queue_, {})) command->complete(kNeverStarted);
  if (shell_in_) shell_in_->cancel();
}

// After the command closed its streams: a shell that reads its stdin again without having reported (the user
// switched execution off, or the builtins) never will. It is ended, and with it the command.
Task<void> Session::suspect(Self self, CommandPtr command) {
  co_await command->silent.wait();
  for (int seen = 0; seen < 2; ++seen) {
    bool ended = co_await command->wait(after(kSuspectAfter));
    if (ended || self->running_ != command || !self->waits_for_line()) co_return;
  }
  log::warn("a session's shell does not report; it is ended", {{"session", self->id_}});
  kill_tree(self->child_->pid(), self->mark_);
}

bool Session::waits_for_line() const {
  int unread = 0;
  if (child_->exited() || ::ioctl(shell_in_->fd(), FIONREAD, &unread) != 0 || unread != 0) return false;
  std::string proc = "/proc/" + std::to_string(child_->pid());
  struct stat ours{}, its{};
  if (::fstat(shell_in_->fd(), &ours) != 0 || ::stat((proc + "/fd/0").c_str(), &its) != 0) return false;
  if (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev) return false;
  auto where = read_file(proc + "/wchan", 128);
  return where && where->find("pipe_read") != std::string::npos;
}

Session::CommandPtr Session::find(std::string_view command) const {
  for (auto it = commands_.rbegin(); it != commands_.rend(); ++it)
    if ((*it)->id() == command) return *it;
  return nullptr;
}

void Session::forget_old() {
  while (commands_.size() > kCommandsKept && commands_.front()->ended()) {
    std::error_code error;
    std::filesystem::remove_all(commands_.front()->dir(), error);
    commands_.pop_front();
  }
}

void Session::cancel() {
  cancelled_ = true;
  queue_.clear();
  running_.reset();
  for (const CommandPtr& command : commands_) command->cancel();
}

Error Session::gone() const {
  std::string text = "gone: the session has ended";
  if (!cancelled_ && child_ && child_->exited())
    text += ": its shell exited with code " + std::to_string(shell_exit_code(*child_));
  return Error{Code::gone, text + "; create another one", "SESSION_ENDED"};
}

}  // namespace dt::daemon
