#include "libs/net/websocket.h"

#include <cstring>

#include "libs/base/random.h"
#include "libs/base/text.h"
#include "libs/net/read_buffer.h"
#include "libs/net/stream_impl.h"
#include "libs/net/websocket_frame.h"

namespace dt {

using detail::FrameHeader;
using detail::Opcode;

struct WebSocket::Impl {
  Stream& stream;
  detail::ReadBuffer in;
  Role role;
  size_t max_message;
  std::string message;                         // of the fragments so far
  Opcode message_kind = Opcode::continuation;  // continuation: no message is open
  std::optional<FrameHeader> frame;            // being read; its header is consumed
  uint64_t frame_got = 0;
  std::string control;  // payload of the control frame being read
  bool close_sent = false;
  bool ended = false;  // a close was received, or the connection failed
  size_t pongs = 0;
  bool writing = false;
  Event write_free;

  Task<Status> send_frame(Opcode opcode, std::string_view payload);
  Task<Status> send_close(int code, std::string_view reason);
  Task<Status> read_frame(Mono deadline);
  Task<Status> handle_control(bool& closed, Message& out);
  Task<Message> fail_with(int code, const char* reason);
  Status begin_frame();
  void take_payload();
  int message_error() const;
};

namespace {

// Enough of the connection is gone that no frame will come any more.
bool lost(const Error& e) { return e.code != Code::timeout; }

struct WriteTurn {
  bool& writing;
  Event& free;
  ~WriteTurn() {
    writing = false;
    free.set();
  }
};

std::array<unsigned char, 4> fresh_key() {
  // Masking protects intermediaries from chosen bytes, so the keys must not be predictable for the
  // application.
  thread_local std::string pool;
  if (pool.size() < 4) pool = random_bytes(256);
  std::array<unsigned char, 4> key{};
  memcpy(key.data(), pool.data() + pool.size() - 4, 4);
  pool.resize(pool.size() - 4);
  return key;
}

}  // namespace

// Frames of concurrent senders go out whole, one after the other.
Task<Status> WebSocket::Impl::send_frame(Opcode opcode, std::string_view payload) {
  while (writing) {
    write_free.reset();
    co_await write_free.wait();
  }
  if (ended && opcode != Opcode::close) co_return fail(Code::closed, "the WebSocket is closed");
  if (close_sent && opcode != Opcode::close) co_return fail(Code::closed, "the WebSocket is closing");
  writing = true;
  WriteTurn turn{writing, write_free};
  if (role == Role::server)
    co_return co_await stream.write_all(detail::format_frame_header(opcode, payload.size(), nullptr),
                                        payload);
  auto key = fresh_key();
  std::string frame_bytes = detail::format_frame_header(opcode, payload.size(), &key);
  size_t header = frame_bytes.size();
  frame_bytes.append(payload);
  detail::apply_mask(frame_bytes.data() + header, payload.size(), key);
  co_return co_await stream.write_all(frame_bytes);
}

Task<Status> WebSocket::Impl::send_close(int code, std::string_view reason) {
  if (close_sent) co_return Status();
  close_sent = true;
  std::string payload;
  if (detail::valid_close_code(code)) {
    reason = reason.substr(0, 123);
    while (!valid_utf8(reason)) reason.remove_suffix(1);
    payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
    payload.append(reason);
  }
  co_return co_await send_frame(Opcode::close, payload);
}

// Takes the header of a frame off the buffer when it is complete.
Status WebSocket::Impl::begin_frame() {
  TRY(auto header, detail::parse_frame_header(in.view(), role == Role::server));
  if (!header) return {};
  in.consume(header->size);
  frame = *header;
  frame_got = 0;
  control.clear();
  bool is_control = static_cast<unsigned>(frame->opcode) & 8;
  if (is_control) return {};
  bool continues = frame->opcode == Opcode::continuation;
  if (continues != (message_kind != Opcode::continuation))
    return fail(Code::bad_request, "WebSocket: frames out of order");
  if (!continues) message_kind = frame->opcode;
  if (frame->length > max_message || message.size() + frame->length > max_message)
    return fail(Code::payload_too_large, "WebSocket: the message is too large");
  return {};
}

void WebSocket::Impl::take_payload() {
  std::string_view have = in.view();
  have = have.substr(0, std::min<uint64_t>(have.size(), frame->length - frame_got));
  bool is_control = static_cast<unsigned>(frame->opcode) & 8;
  std::string& target = is_control ? control : message;
  size_t from = target.size();
  target.append(have);
  if (frame->masked) detail::apply_mask(target.data() + from, have.size(), frame->key, frame_got & 3);
  frame_got += have.size();
  in.consume(have.size());
}

// Reads until `frame` is complete. May be called again after a timeout.
Task<Status> WebSocket::Impl::read_frame(Mono deadline) {
  for (;;) {
    if (!frame) CO_TRY_VOID(begin_frame());
    if (frame) take_payload();
    if (frame && frame_got == frame->length) co_return Status();
    bool large = frame && frame->length - frame_got >= detail::ReadBuffer::kLarge;
    if (large) in.enlarge();
    if (!frame && in.empty()) {
      in.release_if_empty();
      if (!stream.impl().maybe_readable) CO_TRY_VOID(co_await stream.impl().wait_readable(deadline));
    }
    auto got = co_await in.fill(stream, deadline);
    if (!got) co_return std::unexpected(std::move(got).error());
    if (*got == 0) co_return fail(Code::closed, "the connection was closed");
  }
}

Task<Status> WebSocket::Impl::handle_control(bool& closed, Message& out) {
  Opcode opcode = frame->opcode;
  frame.reset();
  if (opcode == Opcode::pong) {
    ++pongs;
    co_return Status();
  }
  if (opcode == Opcode::ping) {
    if (close_sent) co_return Status();
    std::string payload = control;
    co_return co_await send_frame(Opcode::pong, payload);
  }
  closed = true;
  out = Message{.kind = Kind::close, .data = {}, .close_code = 1005};
  if (control.empty()) co_return co_await send_close(1005, {});
  auto byte = [this](size_t i) { return static_cast<unsigned char>(control[i]); };
  int code = control.size() >= 2 ? byte(0) << 8 | byte(1) : 0;
  if (!detail::valid_close_code(code)) co_return fail(Code::bad_request, "WebSocket: close code");
  out.data = control.substr(2);
  out.close_code = code;
  if (!valid_utf8(out.data)) co_return fail(Code::unprocessable, "WebSocket: close reason is not UTF-8");
  ended = true;
  co_return co_await send_close(code, {});
}

Task<WebSocket::Message> WebSocket::Impl::fail_with(int code, const char* reason) {
  auto sent = co_await send_close(code, reason);
  ended = true;
  (void)sent;
  (void)stream.shutdown_write();
  co_return Message{.kind = Kind::close, .data = reason, .close_code = code};
}

namespace {

int close_code_for(const Error& e) {
  switch (e.code) {
    case Code::bad_request:
      return 1002;
    case Code::unprocessable:
      return 1007;
    case Code::payload_too_large:
      return 1009;
    default:
      return 1006;
  }
}

}  // namespace

WebSocket::WebSocket(Stream& stream, std::string buffered, Role role, size_t max_message)
    : impl_(new Impl{.stream = stream, .in = {}, .role = role, .max_message = max_message}) {
  if (!buffered.empty()) impl_->in.prepend_all(buffered);
}
WebSocket::~WebSocket() = default;

Task<Result<WebSocket::Message>> WebSocket::receive(Mono deadline) {
  Impl& w = *impl_;
  for (;;) {
    if (w.ended) co_return fail(Code::closed, "the WebSocket is closed");
    auto got = co_await w.read_frame(deadline);
    if (!got && !lost(got.error())) co_return std::unexpected(std::move(got).error());
    bool closed = false;
    Message out{.kind = Kind::close, .data = {}, .close_code = 1006};
    bool is_control = got && (static_cast<unsigned>(w.frame->opcode) & 8);
    if (is_control) {
      got = co_await w.handle_control(closed, out);
      // A peer that does not wait for the echo of its close has closed all the same.
      if (closed && (got || close_code_for(got.error()) == 1006)) {
        w.ended = true;
        co_return std::move(out);
      }
      if (got) continue;
    }
    if (!got) {
      int code = close_code_for(got.error());
      w.ended = code == 1006;
      if (code == 1006)
        co_return Message{.kind = Kind::close, .data = got.error().message, .close_code = 1006};
      co_return co_await w.fail_with(code, got.error().message.c_str());
    }
    bool fin = w.frame->fin;
    w.frame.reset();
    if (!fin) continue;
    Kind kind =
        std::exchange(w.message_kind, Opcode::continuation) == Opcode::text ? Kind::text : Kind::binary;
    std::string data = std::exchange(w.message, {});
    if (kind == Kind::text && !valid_utf8(data)) co_return co_await w.fail_with(1007, "invalid UTF-8");
    co_return Message{.kind = kind, .data = std::move(data)};
  }
}

Task<Status> WebSocket::send_text(std::string_view text) { return impl_->send_frame(Opcode::text, text); }
Task<Status> WebSocket::send_binary(std::string_view bytes) {
  return impl_->send_frame(Opcode::binary, bytes);
}
Task<Status> WebSocket::ping() { return impl_->send_frame(Opcode::ping, {}); }
Task<Status> WebSocket::close(int code, std::string_view reason) { return impl_->send_close(code, reason); }
void WebSocket::hang_up() {
  impl_->close_sent = true;
  (void)impl_->stream.shutdown_write();
}
void WebSocket::abort() {
  impl_->close_sent = impl_->ended = true;
  impl_->stream.abort();
}
bool WebSocket::open() const { return !impl_->ended && !impl_->close_sent; }
size_t WebSocket::pongs() const { return impl_->pongs; }

}  // namespace dt
