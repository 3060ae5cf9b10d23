// One command of a session: its directory with the files of contract §13.3, the streams while it runs, its
// log, its end. Shared by the session, by requests that wait for it and by followers. Loop thread only.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "apps/daemon/session/command_log.h"
#include "libs/net/loop.h"

namespace dt::daemon {

// After the shell reported the end, background children may still hold the streams: so long nothing may come,
// and so long in all. Later output is appended to the log all the same.
inline constexpr Millis kDrainIdle{200};
inline constexpr Millis kDrainTotal{1000};
// An unfinished line that somebody follows is shown after this time.
inline constexpr Millis kPartialIdle{50};
inline constexpr int kNeverStarted = -1;  // exit code of a command whose session ended before it

class SessionCommand : public std::enable_shared_from_this<SessionCommand> {
 public:
  enum class State { queued, running, done, cancelled };  // cancelled: the session was deleted
  struct Spec {
    std::string text;
    bool has_input = false;   // else /dev/null
    bool echo_input = false;  // input goes to the log too
  };
  SessionCommand(std::string id, std::string dir, Spec spec);

  const std::string& id() const { return id_; }
  std::string text() const;  // long ones come from the file
  State state() const { return state_; }
  bool ended() const { return state_ == State::done || state_ == State::cancelled; }
  std::optional<int> exit_code() const { return exit_code_; }
  bool has_input() const { return has_input_; }
  std::string file(std::string_view name) const { return dir_ + "/" + std::string(name); }
  const std::string& dir() const { return dir_; }

  // Makes the directory, the command's text and an empty log.
  Status prepare(std::string_view text);
  // The FIFOs, and reading from them. `scope` runs what reads; it must outlive the loop's last turn.
  Status open_fifos(TaskScope& scope);
  // The same with pipes that exist already. `input` may be empty.
  Status use_pipes(TaskScope& scope, Fd input, Fd output, Fd errors);
  // The shell went on, or ended: drains, then the exit code appears. Once.
  void complete(int exit_code);
  // The session was deleted.
  void cancel();

  // Until the command ended. False: the deadline passed.
  Task<bool> wait(Mono deadline = kNever) { return wait_ended(shared_from_this(), deadline); }
  // Waits while the command does not read. Fails with gone when it ended.
  Task<Status> write_input(std::string data) { return feed_input(shared_from_this(), std::move(data)); }
  // Both streams were closed by everybody who held them.
  Event silent;

  CommandLog log;

 private:
  struct Reader {
    Fd fd;
    std::optional<Watch> watch;
    bool ended = true;
  };
  struct Input {
    Fd fd;
    std::optional<Watch> watch;
    bool busy = false;
    Event free;
  };
  Status open_input();
  void start_reader(TaskScope& scope, Channel channel, Fd fd);
  bool take(Channel channel);
  void stream_ended(Channel channel);
  bool silent_now() const { return readers_[0].ended && readers_[1].ended; }
  void finish(State state, int exit_code);
  Reader& reader(Channel channel) { return readers_[static_cast<size_t>(channel)]; }

  using Self = std::shared_ptr<SessionCommand>;
  static Task<bool> wait_ended(Self self, Mono deadline);
  static Task<void> pump(Self self, Channel channel);
  static Task<void> drain(Self self, int exit_code);
  static Task<Status> feed_input(Self self, std::string data);

  std::string id_;
  std::string dir_;
  std::string text_;  // empty when it is long
  bool has_input_;
  bool echo_input_;
  State state_ = State::queued;
  bool shell_done_ = false;
  std::optional<int> exit_code_;
  std::array<Reader, 2> readers_;
  std::unique_ptr<Input> input_;
  Event activity_;
  Event ended_;
  TaskScope* scope_ = nullptr;
};

}  // namespace dt::daemon
