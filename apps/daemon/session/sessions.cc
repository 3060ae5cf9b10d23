#include "apps/daemon/session/sessions.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "apps/daemon/process/kill_tree.h"
#include "libs/base/log.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

namespace fs = std::filesystem;

constexpr Millis kKillWait{2000};
constexpr Millis kFirstLook{2};
constexpr Millis kLastOutput{300};
const std::vector<std::string> kNothingToDo{"sleep", "infinity"};
constexpr size_t kLongestId = 255;  // a file name

Status check_id(const std::string& id) {
  if (id == kEntrypointSession)
    return fail(Code::bad_request, "provided session ID is reserved and cannot be created/overridden");
  bool bad = id == "." || id == ".." || id.size() > kLongestId || id.find('/') != std::string::npos ||
             id.find('\0') != std::string::npos;
  if (bad) return fail(Code::bad_request, "a session ID is a file name: no '/', not '..', 255 bytes at most");
  return {};
}

bool any_alive(const std::vector<pid_t>& pids, Mark mark) {
  return std::ranges::any_of(pids, [&](pid_t pid) { return ::kill(pid, 0) == 0 && mark.carried_by(pid); });
}

}  // namespace

std::string entrypoint_script(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(shell_quote(word));
  return join(quoted, " ");
}

Sessions::Sessions(ProcessContext& process, WorkerPool& pool, SessionConfig config)
    : process_(process),
      pool_(pool),
      config_(std::move(config)),
      root_(config_.home + "/.daytona/sessions"),
      trash_(config_.home + "/.daytona/removed-sessions") {}

Sessions::~Sessions() { scope_.stop_now(); }

// Moved away at once, removed in the background.
Status Sessions::clear_directory(const std::string& id) {
  std::string dir = root_ + "/" + id;
  struct stat st{};
  if (::lstat(dir.c_str(), &st) != 0) return {};
  std::error_code error;
  fs::create_directories(trash_, error);
  std::string away = trash_ + "/" + random_token(16);
  if (::rename(dir.c_str(), away.c_str()) == 0) return {};
  fs::remove_all(dir, error);
  if (error) return fail(Code::bad_request, "remove " + dir + ": " + error.message());
  return {};
}

Task<void> Sessions::empty_trash() {
  std::string trash = trash_;
  co_await pool_.run([trash] {
    std::error_code error;
    fs::remove_all(trash, error);
    return 0;
  });
}

Status Sessions::create(const std::string& id, bool at_home) {
  TRY_VOID(check_id(id));
  if (sessions_.contains(id)) return fail(Code::conflict, "session already exists");
  TRY_VOID(clear_directory(id));
  if (fs::exists(trash_)) scope_.spawn(empty_trash());
  auto session = std::make_shared<Session>(context(), id, root_ + "/" + id);
  auto started = session->start(at_home ? config_.home : process_.work_dir);
  if (!started) return started;
  std::error_code error;
  fs::create_directories(session->dir(), error);  // or with the first command
  sessions_.emplace(id, std::move(session));
  return {};
}

Status Sessions::add_entrypoint(const std::string& script, bool pretend) {
  std::string id(kEntrypointSession);
  TRY_VOID(clear_directory(id));
  auto session = std::make_shared<Session>(context(), id, root_ + "/" + id);
  TRY_VOID(pretend ? session->pretend_entrypoint(script) : session->start_entrypoint(script));
  sessions_.emplace(id, std::move(session));
  return {};
}

Status Sessions::start_entrypoint(const std::vector<std::string>& words) {
  if (words != kNothingToDo) return add_entrypoint(entrypoint_script(words), false);
  waiting_entrypoint_ = entrypoint_script(words);
  return {};
}

Result<Sessions::SessionPtr> Sessions::find(std::string_view id) {
  if (id == kEntrypointSession && !waiting_entrypoint_.empty())
    TRY_VOID(add_entrypoint(std::exchange(waiting_entrypoint_, ""), true));
  auto it = sessions_.find(id);
  if (it == sessions_.end()) return fail(Code::not_found, "session not found");
  return it->second;
}

std::vector<Sessions::SessionPtr> Sessions::list() const {
  std::vector<SessionPtr> out;
  for (const auto& [id, session] : sessions_)
    if (id != kEntrypointSession) out.push_back(session);
  return out;
}

Result<Session::CommandPtr> Sessions::find_command(std::string_view id, std::string_view command) {
  TRY(SessionPtr session, find(id));
  auto found = session->find(command);
  if (!found) return fail(Code::not_found, "command not found");
  return found;
}

// SIGTERM to everything that the session started and that still runs; SIGKILL to what is left after the
// grace.
Task<void> Sessions::end_processes(Session& session, CallContext& ctx) {
  std::vector<pid_t> members = session.mark().carriers();
  Child* shell = session.child();
  if (shell) shell->signal_group(SIGTERM);
  for (pid_t pid : members) ::kill(pid, SIGTERM);
  Mono end = after(config_.grace_period);
  Millis pause = std::min(kFirstLook, config_.check_interval);
  auto alive = [&] { return (shell && !shell->exited()) || any_alive(members, session.mark()); };
  while (alive() && std::chrono::steady_clock::now() < end && !ctx.cancel.cancelled()) {
    Mono look = std::min(end, after(pause));
    if (shell && !shell->exited())
      co_await shell->wait(look);
    else
      co_await Loop::current().sleep_until(look);
    pause = std::min(pause * 2, config_.check_interval);
  }
  if (shell && !shell->exited()) {
    kill_tree(shell->pid(), session.mark());
    co_await shell->wait(after(kKillWait));
  }
  if (!session.mark().carriers().empty()) kill_marked(session.mark());
}

Task<Status> Sessions::remove(std::string id, CallContext ctx) {
  if (id == kEntrypointSession) co_return fail(Code::bad_request, "can't delete entrypoint session");
  CO_TRY(SessionPtr session, find(id));
  if (session->cancelled()) {
    co_await session->removed.wait();
    co_return Status{};
  }
  session->cancel();
  co_await end_processes(*session, ctx);
  Status cleared = clear_directory(id);
  sessions_.erase(id);
  session->removed.set();
  std::string spare = session->spare_dir();
  if (!spare.empty()) {
    std::error_code error;
    fs::remove_all(spare, error);
  }
  co_await empty_trash();
  co_return cleared;
}

void Sessions::begin_shutdown() {
  stopping_.set();
  waiting_entrypoint_.clear();
  auto entrypoint = find(kEntrypointSession);
  if (entrypoint && (*entrypoint)->child()) (*entrypoint)->child()->signal_group(SIGTERM);
  for (const auto& [id, session] : sessions_)
    for (const auto& command : session->commands()) command->log.wake();
}

Task<void> Sessions::stop() {
  Mono deadline = after(kLastOutput);
  auto entrypoint = find(kEntrypointSession);
  if (entrypoint && (*entrypoint)->child()) {
    auto command = (*entrypoint)->find(kEntrypointCommand);
    if (command) co_await command->wait(deadline);
  }
  sessions_.clear();
  scope_.stop_now();
}

}  // namespace dt::daemon
