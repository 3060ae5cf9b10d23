#include "apps/daemon/lsp/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/process/kill_tree.h"
#include "libs/base/text.h"

namespace dt::daemon::lsp {
namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kReadsPerTurn = 16;
constexpr size_t kParsedHere = 32 * 1024;  // larger messages are taken apart by a worker
constexpr size_t kKeptErrors = 2048;
constexpr size_t kToldErrors = 400;
constexpr Millis kExitAfterEnd{500};  // a program that closes its output is about to exit
constexpr Millis kKillWait{2000};

char* read_buffer() {
  static char buffer[kReadSize];  // one loop thread, used between two awaits only
  return buffer;
}

// The last lines of what a program wrote to stderr.
std::string last_lines(std::string_view text) {
  text = trim(text);
  if (text.size() > kToldErrors) {
    text = text.substr(text.size() - kToldErrors);
    text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  }
  return replace_invalid_utf8(text);
}

struct Spawned {
  pid_t pid;
  Mark mark;
  Fd input, output, errors;
};

Result<Spawned> spawn(ProcessContext& process, const Connection::Program& program) {
  TRY(Pipe input, make_pipe());
  TRY(Pipe output, make_pipe());
  TRY(Pipe errors, make_pipe());
  for (int fd : {input.write.get(), output.read.get(), errors.read.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  std::vector<std::string> words = {program.path};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  SpawnRequest request{.program = program.path.c_str(),
                       .argv = argv.data(),
                       .envp = process.environment.block({}, merged),
                       .cwd = process.work_dir.c_str(),
                       .stdin_fd = input.read.get(),
                       .stdout_fd = output.write.get(),
                       .stderr_fd = errors.write.get()};
  Mark mark = Mark::next();
  MarkedStart marked(mark);
  TRY(pid_t pid, process.spawner.spawn(request));
  return Spawned{pid, mark, std::move(input.write), std::move(output.read), std::move(errors.read)};
}

}  // namespace

Connection::Connection(Reaper& reaper, WorkerPool& pool, std::string name, pid_t pid, Mark mark, Pipes pipes)
    : pool_(pool),
      name_(std::move(name)),
      child_(reaper, pid),
      mark_(mark),
      input_(std::move(pipes.input)),
      output_(std::move(pipes.output)),
      errors_(std::move(pipes.errors)),
      output_watch_(output_.get()),
      errors_watch_(errors_.get()) {}

Result<std::shared_ptr<Connection>> Connection::start(ProcessContext& process, WorkerPool& pool,
                                                      TaskScope& tasks, const Program& program) {
  TRY(Spawned spawned, spawn(process, program));
  std::shared_ptr<Connection> connection(
      new Connection(process.reaper, pool, program.name, spawned.pid, spawned.mark,
                     {std::move(spawned.input), std::move(spawned.output), std::move(spawned.errors)}));
  tasks.spawn(read(connection));
  tasks.spawn(write(connection));
  tasks.spawn(read_errors(connection));
  return connection;
}

// --- what comes
// --------------------------------------------------------------------------------------------------------

Task<void> Connection::read(std::shared_ptr<Connection> self) {
  Connection& c = *self;
  c.child_.on_exit([&c] { c.output_watch_.cancel(); });
  Status read = co_await c.read_messages();
  c.child_.on_exit(nullptr);
  if (!read) c.lose("the language server " + c.name_ + " sent " + read.error().message);
  if (read) co_await c.child_.wait(after(kExitAfterEnd));
  c.lose(c.ended_text());
  if (c.child_.exited())
    kill_marked(c.mark_);
  else
    kill_tree(c.child_.pid(), c.mark_);
  co_await c.child_.wait(after(kKillWait));
}

// Until the process closed its output or exited.
Task<Status> Connection::read_messages() {
  std::vector<std::string> bodies;
  for (size_t reads = 1;; ++reads) {
    ssize_t n = ::read(output_.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (n < 0 && errno != EAGAIN)) co_return Status();
    if (n < 0) {
      if (child_.exited()) co_return Status();
      co_await output_watch_.readable();  // false when it exits: what it wrote before is still there
      continue;
    }
    bodies.clear();
    CO_TRY_VOID(frames_.feed({read_buffer(), static_cast<size_t>(n)}, bodies));
    for (std::string& body : bodies) {
      Status taken = co_await take(std::move(body));
      if (!taken) co_return taken;
    }
    if (reads % kReadsPerTurn == 0) co_await Loop::current().yield();
  }
}

Task<Status> Connection::take(std::string body) {
  Result<Message> message;
  if (body.size() > kParsedHere)
    message = co_await pool_.run([&body] { return parse_message(body); });
  else
    message = parse_message(body);
  if (!message) co_return std::unexpected(message.error());
  if (message->kind == Message::Kind::request) send(message->reply);
  auto found = message->kind == Message::Kind::answer ? calls_.find(message->id) : calls_.end();
  if (found != calls_.end()) {
    found->second->answer = std::move(message->answer);
    found->second->done.set();
    calls_.erase(found);
  }
  co_return Status();
}

Task<void> Connection::read_errors(std::shared_ptr<Connection> self) {
  while (self->usable() && self->take_errors()) {
    bool more = co_await self->errors_watch_.readable();
    if (!more) co_return;
  }
}

bool Connection::take_errors() {
  for (size_t reads = 0; reads < kReadsPerTurn * 64; ++reads) {
    ssize_t n = ::read(errors_.get(), read_buffer(), kReadSize);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && errno == EAGAIN;
    last_errors_.append(read_buffer(), static_cast<size_t>(n));
    if (last_errors_.size() > kKeptErrors) last_errors_.erase(0, last_errors_.size() - kKeptErrors);
  }
  return true;
}

// --- what goes
// --------------------------------------------------------------------------------------------------------

void Connection::send(std::string_view body) {
  if (!usable()) return;
  unsent_.push_back(frame(body));
  unsent_bytes_ += unsent_.back().size();
  work_.set();
  if (unsent_bytes_ > kMostUnsent) kill("does not read what it is sent");
}

Task<void> Connection::write(std::shared_ptr<Connection> self) {
  Connection& c = *self;
  while (c.usable()) {
    if (c.unsent_.empty()) {
      c.work_.reset();
      co_await c.work_.wait();
      continue;
    }
    std::string next = std::move(c.unsent_.front());
    c.unsent_.pop_front();
    Status sent = co_await c.input_.write_all(next);
    c.unsent_bytes_ -= next.size();
    if (sent || !c.usable()) continue;
    co_await c.child_.wait(after(kExitAfterEnd));  // then the reader says why
    if (!c.child_.exited()) c.kill("closed its input");
    co_return;
  }
}

void Connection::notify(std::string_view method, std::string_view params) {
  send(notification_text(method, params));
}

Task<Result<Json>> Connection::call(std::string method, std::string params, CancelSource cancel,
                                    Mono deadline) {
  if (!usable()) co_return fail(Code::closed, fate_);
  if (calls_.size() >= kMostCalls)
    co_return fail(Code::too_many_requests,
                   "too many calls wait for the language server " + name_ + "; try again later");
  int64_t id = ++last_id_;
  auto call = std::make_shared<Call>();
  calls_[id] = call;
  send(request_text(id, method, params));
  size_t hook = cancel.on_cancel([call] { call->done.set(); });
  bool in_time = co_await call->done.wait(deadline);
  cancel.remove(hook);
  if (call->answer) co_return std::move(*call->answer);
  calls_.erase(id);
  notify("$/cancelRequest", "{\"id\":" + std::to_string(id) + "}");
  if (in_time) co_return fail(Code::cancelled, "the caller went away");
  co_return fail(Code::timeout, "the language server " + name_ + " did not answer to " + method);
}

// --- the end
// --------------------------------------------------------------------------------------------------------

std::string Connection::ended_text() {
  std::string out = "the language server " + name_;
  if (stopping_) return out + " was stopped";
  if (!child_.exited())
    out += " closed its output";
  else if (child_.term_signal() != 0)
    out += " was ended by signal " + std::to_string(child_.term_signal());
  else
    out += " ended with exit code " + std::to_string(child_.exit_code());
  take_errors();
  std::string told = last_lines(last_errors_);
  return told.empty() ? out : out + ": " + told;
}

void Connection::lose(std::string why) {
  if (!usable()) return;
  fate_ = std::move(why);
  auto calls = std::exchange(calls_, {});
  for (auto& [id, call] : calls) {
    call->answer = fail(Code::closed, fate_);
    call->done.set();
  }
  unsent_.clear();
  input_.cancel();
  errors_watch_.cancel();
  work_.set();
}

void Connection::kill(std::string why) {
  lose("the language server " + name_ + " " + why);
  if (!child_.exited()) kill_tree(child_.pid(), mark_);
}

Task<void> Connection::end() {
  stopping_ = true;
  auto answer = co_await call("shutdown", "", CancelSource(), after(kShutdownTime));
  if (answer) {
    notify("exit", "");
    co_await child_.wait(after(kExitTime));
  }
  kill("was stopped");
  co_await child_.wait(after(kKillWait));
}

}  // namespace dt::daemon::lsp
