#include "apps/daemon/ssh/server/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace dt::ssh {
namespace {

// Read at once; bounds what one descriptor may have in libssh's output buffer.
constexpr size_t kChunk = 128 * 1024;

char* buffer() {
  static char bytes[kChunk];  // one thread, used between two calls of libssh only
  return bytes;
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Relay::Relay(ssh_session session, ssh_channel channel) : session_(session), channel_(channel) {
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_eof_function = on_eof;
  callbacks_.channel_close_function = on_close;
  ssh_callbacks_init(&callbacks_);
  ssh_set_channel_callbacks(channel_, &callbacks_);
}

Relay::~Relay() {
  ssh_remove_channel_callbacks(channel_, &callbacks_);
  ssh_channel_free(channel_);  // sends what the protocol still wants
}

void Relay::attach(Fd input, Input kind, Fd output, Fd errors) {
  input_ = std::move(input);
  output_ = std::move(output);
  errors_ = std::move(errors);
  kind_ = kind;
  attached_ = true;
  backlog_ = true;  // what came before
}

void Relay::say(std::string text, bool as_errors) {
  pending_ = std::move(text);
  pending_errors_ = as_errors;
}

int Relay::on_data(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr, void* self) {
  if (is_stderr) return static_cast<int>(size);  // clients have none to send
  return static_cast<int>(static_cast<Relay*>(self)->take({static_cast<char*>(data), size}));
}
void Relay::on_eof(ssh_session, ssh_channel, void* self) { static_cast<Relay*>(self)->client_eof_ = true; }
void Relay::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<Relay*>(self)->client_eof_ = true;
  static_cast<Relay*>(self)->client_closed_ = true;
}

uint32_t Relay::take(std::string_view bytes) {
  if (attached_ && !input_) return static_cast<uint32_t>(bytes.size());  // nobody reads it any more
  ssize_t n = -1;
  if (attached_ && leftover_.empty()) {
    n = ::write(input_.get(), bytes.data(), bytes.size());
    if (n < 0 && !would_block()) {
      // Closed in the next turn, when libssh is not on the stack.
      backlog_ = true;
      return 0;
    }
  }
  if (n < static_cast<ssize_t>(bytes.size())) backlog_ = true;
  return n > 0 ? static_cast<uint32_t>(n) : 0;
}

// False: the rest must wait.
bool Relay::write_leftover() {
  while (input_ && !leftover_.empty()) {
    ssize_t n = ::write(input_.get(), leftover_.data(), leftover_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) {
      close_input();
      break;
    }
    leftover_.erase(0, static_cast<size_t>(n));
  }
  leftover_.clear();
  return true;
}

void Relay::drain_input() {
  if (!attached_ || !write_leftover()) return;
  for (;;) {
    int n = ssh_channel_read_nonblocking(channel_, buffer(), kChunk, 0);
    if (n <= 0) break;
    leftover_.assign(buffer(), static_cast<size_t>(n));
    if (!write_leftover()) return;
  }
  backlog_ = false;
  if (client_eof_ && kind_ != Input::terminal) close_input();
}

void Relay::close_input() {
  if (input_ && kind_ == Input::socket) ::shutdown(input_.get(), SHUT_WR);
  input_.reset();
}

void Relay::drop_output() {
  output_.reset();
  errors_.reset();
  pending_.clear();
}

void Relay::end_output() {
  if (!eof_sent_) ssh_channel_send_eof(channel_);
  eof_sent_ = true;
}

bool Relay::may_send() const {
  return pending_.empty() && ssh_channel_window_size(channel_) > 0 &&
         !(ssh_get_poll_flags(session_) & SSH_WRITE_PENDING);
}

void Relay::flush_pending() {
  if (pending_.empty() || ssh_channel_window_size(channel_) == 0) return;
  auto size = static_cast<uint32_t>(std::min<size_t>(pending_.size(), ssh_channel_window_size(channel_)));
  int n = pending_errors_ ? ssh_channel_write_stderr(channel_, pending_.data(), size)
                          : ssh_channel_write(channel_, pending_.data(), size);
  if (n < 0)
    drop_output();
  else
    pending_.erase(0, static_cast<size_t>(n));
}

void Relay::read_output(Fd& from, bool as_errors) {
  if (!may_send()) return;
  size_t room = std::min<size_t>(kChunk, ssh_channel_window_size(channel_));
  ssize_t n = ::read(from.get(), buffer(), room);
  if (n < 0 && would_block()) return;
  if (n <= 0) {
    from.reset();
    return;
  }
  auto size = static_cast<uint32_t>(n);
  int written = as_errors ? ssh_channel_write_stderr(channel_, buffer(), size)
                          : ssh_channel_write(channel_, buffer(), size);
  if (written < 0) {
    drop_output();
  } else if (written < n) {
    pending_.assign(buffer() + written, static_cast<size_t>(n - written));
    pending_errors_ = as_errors;
  }
}

void Relay::turn() {
  if (finished_) return;
  flush_pending();
  if (backlog_ || (client_eof_ && !input_done())) drain_input();
  progress();
}

void Relay::watch(PollSet& set) {
  if (input_ && !leftover_.empty()) set.add(input_.get(), POLLOUT, *this);
  if (!may_send()) return;
  if (output_) set.add(output_.get(), POLLIN, *this);
  if (errors_) set.add(errors_.get(), POLLIN, *this);
}

void Relay::ready(int fd, short events) {
  if (finished_) return;
  if (output_ && fd == output_.get())
    read_output(output_, false);
  else if (errors_ && fd == errors_.get())
    read_output(errors_, true);
  else if (input_ && fd == input_.get())
    drain_input();
  progress();
}

}  // namespace dt::ssh
