#include "apps/daemon/pty/session.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "apps/daemon/process/kill_tree.h"
#include "libs/base/log.h"

namespace dt::daemon {
namespace {

// How far a client may lag behind the reader.
constexpr uint64_t kWindow = 128 * 1024;
// How long others wait for a client that lags so far to take one more piece.
constexpr Millis kPatience{3'000};
// For a closed client to take the frame that is under way.
constexpr Millis kSlowGrace{5'000};
// After the shell's end: silence and total time for children that hold the terminal, then time for clients.
constexpr Millis kDrainIdle{200};
constexpr Millis kDrainTotal{1'000};
constexpr Millis kFlushTime{30'000};
constexpr Millis kKillFlushTime{2'000};
constexpr Millis kCloseWait{1'000};
constexpr Millis kKillWait{500};
constexpr int kKilledExitCode = 137;

Mono now() { return std::chrono::steady_clock::now(); }

}  // namespace

struct PtySession::Client {
  WebSocket& socket;
  PtyProtocol& protocol;
  uint64_t position;
  bool left = false;     // it sends nothing any more
  bool dropped = false;  // too slow
  Event input_done{};
  Event done{};  // `socket` is not ours any more
};

PtySession::PtySession(ProcessContext& context, PtyOptions options)
    : context_(context), options_(std::move(options)) {}

Status PtySession::spawn_shell() {
  TRY(std::string shell, context_.shells.shell());
  TRY(Pty pty, Pty::open(options_.size));
  std::vector<std::string> words = {shell};
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Environment::Merged merged;
  SpawnRequest request{.program = shell.c_str(),
                       .argv = argv.data(),
                       .envp = context_.environment.block(options_.envs, merged),
                       .cwd = options_.cwd.empty() ? nullptr : options_.cwd.c_str()};
  mark_ = Mark::next();
  MarkedStart marked(mark_);
  TRY(pid_t pid, pty.spawn(context_.spawner, request));
  child_.emplace(context_.reaper, pid);
  pty_ = std::move(pty);
  watch_.emplace(pty_->master());
  return {};
}

Status PtySession::start(const std::shared_ptr<PtySession>& session, std::function<void()> on_end) {
  if (session->child_) return {};
  TRY_VOID(session->spawn_shell());
  session->on_end_ = std::move(on_end);
  session->child_->on_exit([s = session.get()] {
    s->drain_end_ = after(kDrainTotal);
    if (s->watch_) s->watch_->cancel();
  });
  session->context_.background.spawn(run(session));
  return {};
}

Task<void> PtySession::run(std::shared_ptr<PtySession> session) {
  PtySession& s = *session;
  co_await s.read_output(s.pty_->master(), *s.watch_);
  // The program may close its terminal and live on.
  if (!s.hung_up_) co_await s.child_->wait();
  if (!s.hung_up_) s.report_end();
  if (!s.hung_up_ && !s.killed_) co_await s.drain_output();
  if (s.killed_) co_await s.descendants_gone();
  co_await s.close_terminal();
  co_await s.child_->wait();
  s.report_end();
  s.exit_ = pty_exit(s.killed_ ? kKilledExitCode : s.child_->exit_code());
  co_await s.flush_clients();
}

void PtySession::report_end() {
  if (on_end_) std::exchange(on_end_, nullptr)();
}

// Killed processes may take a moment; who is told that the session is gone may look for them.
Task<void> PtySession::descendants_gone() {
  Mono give_up = after(kKillWait);
  for (Millis pause(1); !mark_.carriers().empty() && now() < give_up; pause *= 2)
    co_await Loop::current().sleep_for(pause);
}

// Hangs up what still has it open.
Task<void> PtySession::close_terminal() {
  watch_->cancel();
  while (writing_) {
    input_free_.reset();
    co_await input_free_.wait();
  }
  watch_.reset();
  pty_.reset();
}

// Until the terminal's end, or until the watch was cancelled and nothing is there.
Task<void> PtySession::read_output(int fd, Watch& watch) {
  size_t burst = 0;
  for (;;) {
    if (!has_room()) {
      bool room = co_await wait_for_room();
      if (!room) break;
    }
    std::span<char> space = log_.room(slowest());
    ssize_t n = ::read(fd, space.data(), space.size());
    if (n > 0) {
      log_.added(static_cast<size_t>(n));
      burst += static_cast<size_t>(n);
      if (burst < OutputLog::kChunk) continue;
      burst = 0;
      output_.set();
      co_await Loop::current().yield();
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || errno != EAGAIN) break;
    if (burst > 0) output_.set();
    burst = 0;
    Mono deadline = drain_end_ == kNever ? kNever : std::min(drain_end_, after(kDrainIdle));
    bool ready = co_await watch.readable(deadline);
    if (!ready) break;
  }
  output_.set();
}

// What the shell wrote is in the terminal when it ended. Children it left behind get a bounded time. The
// first watch was cancelled, so this is another one on the same terminal.
Task<void> PtySession::drain_output() {
  auto again = pty_->dup_master();
  if (!again) co_return;
  Watch watch(again->get());
  co_await read_output(again->get(), watch);
}

uint64_t PtySession::slowest() const {
  uint64_t position = log_.end();
  for (const auto& client : clients_) position = std::min(position, client->position);
  return position;
}

bool PtySession::has_room() const { return log_.end() - slowest() < kWindow; }

// False: the session ends and nobody takes its output.
Task<bool> PtySession::wait_for_room() {
  blocked_since_ = now();
  while (!has_room()) {
    if (killed_ || hung_up_) co_return false;
    room_.reset();
    Mono give_up = drain_end_ == kNever ? kNever : drain_end_ + kFlushTime;
    Mono until = clients_.size() > 1 ? blocked_since_ + kPatience : kNever;
    bool changed = co_await room_.wait(std::min(until, give_up));
    if (changed) continue;
    if (now() >= give_up) co_return false;
    drop_slow_clients();
    blocked_since_ = now();
  }
  co_return true;
}

// Only when somebody else waits: a lone client may stop the program as long as it likes.
void PtySession::drop_slow_clients() {
  auto slow = [this](const auto& client) { return log_.end() - client->position >= kWindow; };
  if (std::ranges::all_of(clients_, slow)) return;
  for (const auto& client : clients_) {
    if (!slow(client)) continue;
    client->dropped = true;
    context_.background.spawn(cut_off(client, kSlowGrace));
  }
  std::erase_if(clients_, slow);
}

Task<void> PtySession::cut_off(std::shared_ptr<Client> client, Millis grace) {
  bool done = co_await client->done.wait(after(grace));
  if (!done) client->socket.abort();
}

void PtySession::join(std::shared_ptr<Client> client) {
  clients_.push_back(std::move(client));
  blocked_since_ = now();
  room_.set();
}

void PtySession::leave(const Client& client) {
  std::erase_if(clients_, [&](const auto& other) { return other.get() == &client; });
  room_.set();
}

Task<void> PtySession::serve(std::shared_ptr<PtySession> session, WebSocket& socket, PtyProtocol& protocol) {
  auto client = std::make_shared<Client>(socket, protocol, session->log_.replay_start());
  session->join(client);
  struct Seat {
    PtySession& session;
    Client& client;
    ~Seat() {
      session.leave(client);
      client.done.set();
    }
  } seat{*session, *client};
  TaskScope input("pty input");
  input.spawn(receive_input(session, client));
  co_await session->send_output(*client);
  session->leave(*client);
  co_await client->input_done.wait(after(kCloseWait));
  input.stop_now();
}

Task<void> PtySession::send_output(Client& client) {
  Status sent = co_await client.protocol.greet(client.socket);
  while (sent && !client.left && !client.dropped) {
    if (client.position < log_.end()) {
      OutputLog::Piece piece = log_.at(client.position);
      sent = co_await client.protocol.output(client.socket, piece.bytes);
      client.position += piece.bytes.size();
      room_.set();
    } else if (exit_) {
      sent = co_await client.protocol.farewell(client.socket, *exit_);
      co_return;
    } else {
      output_.reset();
      co_await output_.wait();
    }
  }
  if (client.dropped) sent = co_await client.socket.close(1008, "slow consumer");
}

Task<void> PtySession::receive_input(std::shared_ptr<PtySession> session, std::shared_ptr<Client> client) {
  for (;;) {
    auto message = co_await client->socket.receive();
    if (!message) break;
    if (message->kind == WebSocket::Kind::close) {
      // Nobody is there for what is being sent.
      if (message->close_code == 1006) client->socket.abort();
      break;
    }
    if (auto size = client->protocol.size_request(*message)) {
      auto resized = session->resize(*size);
      if (!resized) break;
      continue;
    }
    // Input after the end of the program is of no use; the client is told of the end.
    auto written = co_await session->write_input(message->data);
    if (!written) log::debug("input for a terminal that ended");
  }
  client->left = true;
  session->output_.set();
  client->input_done.set();
}

// Messages of several clients are not mixed.
Task<Status> PtySession::write_input(std::string_view bytes) {
  while (writing_) {
    input_free_.reset();
    co_await input_free_.wait();
  }
  writing_ = true;
  struct Turn {
    PtySession& session;
    ~Turn() {
      session.writing_ = false;
      session.input_free_.set();
    }
  } turn{*this};
  while (!bytes.empty()) {
    if (!active() || !pty_) co_return fail(Code::closed, "the terminal's program has ended");
    ssize_t n = ::write(pty_->master(), bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      bool ready = co_await watch_->writable();
      if (!ready) co_return fail(Code::closed, "the terminal's program has ended");
    } else if (errno != EINTR) {
      co_return fail_errno("terminal");
    }
  }
  co_return Status();
}

Task<void> PtySession::flush_clients() {
  output_.set();
  Mono until = after(killed_ ? kKillFlushTime : kFlushTime);
  bool changed = true;
  while (!clients_.empty() && changed) {
    room_.reset();
    changed = co_await room_.wait(until);
  }
  for (const auto& client : clients_) client->socket.abort();
}

Status PtySession::resize(WindowSize size) {
  options_.size = size;
  if (!active() || !pty_) return {};
  return pty_->resize(size);
}

Task<void> PtySession::kill(std::shared_ptr<PtySession> session) {
  PtySession& s = *session;
  if (!s.active()) co_return;
  s.killed_ = true;
  kill_tree(s.child_->pid(), s.mark_);
  s.room_.set();
  co_await s.child_->wait(after(kKillWait));
  co_await s.descendants_gone();
}

void PtySession::hang_up() {
  if (!active()) return;
  hung_up_ = true;
  child_->signal_group(SIGHUP);
  child_->signal_group(SIGCONT);
  if (watch_) watch_->cancel();
  room_.set();
}

}  // namespace dt::daemon
