// Moves bytes between one SSH channel and descriptors of ours, both ways, with half-close and without
// unbounded buffers: what the descriptor does not take stays in libssh, whose window then stays shut; what
// the client does not take is not read. libssh may call back from within any of its functions, so callbacks
// only note things down or write to a descriptor; channels are freed between turns.
#pragma once
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <string>

#include "apps/daemon/ssh/server/event_source.h"
#include "libs/base/fd.h"

namespace dt::ssh {

class Relay : public EventSource {
 public:
  // Owns the channel.
  Relay(ssh_session session, ssh_channel channel);
  ~Relay() override;
  Relay(const Relay&) = delete;

  void turn() override;
  void watch(PollSet& set) override;
  void ready(int fd, short events) override;
  bool finished() const override { return finished_; }

 protected:
  // Of what kind `input` is: how its end is told.
  enum class Input { pipe, socket, terminal };
  // What the client sends goes to `input`, what comes from `output` and `errors` goes to the client. All
  // non-blocking; any may be empty.
  void attach(Fd input, Input kind, Fd output, Fd errors);
  // Bytes of our own, before anything of `output`.
  void say(std::string text, bool as_errors);
  // Everything that will ever come has been given to libssh.
  bool output_done() const { return !output_ && !errors_ && pending_.empty(); }
  bool input_done() const { return !input_; }
  void close_input();
  void drop_output();
  void end_output();  // EOF to the client
  void finish() { finished_ = true; }
  bool client_closed() const { return client_closed_; }
  // After every step: decides whether this is the end.
  virtual void progress() = 0;

  ssh_session session_;
  ssh_channel channel_;
  ssh_channel_callbacks_struct callbacks_{};

 private:
  static int on_data(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr, void* self);
  static void on_eof(ssh_session, ssh_channel, void* self);
  static void on_close(ssh_session, ssh_channel, void* self);
  uint32_t take(std::string_view bytes);
  void drain_input();
  bool write_leftover();
  void read_output(Fd& from, bool as_errors);
  void flush_pending();
  bool may_send() const;

  Fd input_, output_, errors_;
  Input kind_ = Input::pipe;
  bool attached_ = false;
  bool backlog_ = false;  // libssh holds bytes for input_
  bool client_eof_ = false;
  bool client_closed_ = false;
  bool eof_sent_ = false;
  bool finished_ = false;
  std::string leftover_;  // taken from libssh, not yet written to input_
  std::string pending_;   // read from us, not yet taken by libssh
  bool pending_errors_ = false;
};

}  // namespace dt::ssh
