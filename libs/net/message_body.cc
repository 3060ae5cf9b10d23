#include "libs/net/message_body.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/net/stream_impl.h"

namespace dt {

Task<Result<std::string>> BodyReader::read_all(size_t limit) {
  std::string out;
  auto known = length();
  if (known && *known > limit)
    co_return fail(Code::payload_too_large, fmt::format("the body may have at most {} bytes", limit));
  if (known) out.reserve(*known);
  for (;;) {
    CO_TRY(std::string_view piece, co_await next());
    if (piece.empty()) co_return std::move(out);
    if (out.size() + piece.size() > limit)
      co_return fail(Code::payload_too_large, fmt::format("the body may have at most {} bytes", limit));
    out.append(piece);
  }
}

Task<Status> BodyWriter::write_from(BodyReader& body) {
  for (;;) {
    CO_TRY(std::string_view piece, co_await body.next());
    if (piece.empty()) co_return Status();
    CO_TRY_VOID(co_await write(piece));
  }
}

namespace detail {
namespace {
// Below this, a copy through the buffer costs less than two splices.
constexpr uint64_t kWorthSplicing = 64 * 1024;
}  // namespace

void MessageBody::start(Framing framing, uint64_t length, Mono deadline, Millis idle) {
  framing_ = framing;
  total_ = left_ = framing == Framing::length ? length : 0;
  pending_ = 0;
  chunks_ = {};
  deadline_ = deadline;
  idle_ = idle;
  done_ = framing == Framing::none || (framing == Framing::length && length == 0);
  failed_ = started_ = continue_pending_ = false;
  on_end_ = nullptr;
}

std::optional<uint64_t> MessageBody::length() const {
  if (framing_ == Framing::none) return 0;
  if (framing_ == Framing::length) return total_;
  return std::nullopt;
}

void MessageBody::settle() {
  if (pending_ == 0) return;  // the connection may be gone after the end of the body
  in_->consume(pending_);
  pending_ = 0;
}

void MessageBody::ended() {
  done_ = true;
  auto fn = std::exchange(on_end_, nullptr);
  if (fn) fn();
}

bool MessageBody::finish() {
  if (!done_ && framing_ == Framing::length && left_ == 0 && !failed_) done_ = true;
  if (!done_) return false;
  settle();
  return !failed_;
}

bool MessageBody::at_most(uint64_t limit) const {
  return done_ || framing_ == Framing::chunked || (framing_ == Framing::length && left_ <= limit);
}

Task<Status> MessageBody::fill() {
  if (continue_pending_) {
    continue_pending_ = false;
    CO_TRY_VOID(
        co_await stream_->write_all("HTTP/1.1 100 Continue\r\n\r\n", idle_deadline(idle_, deadline_)));
  }
  bool large = left_ >= ReadBuffer::kLarge || (framing_ != Framing::length && started_);
  if (large) in_->enlarge();
  started_ = true;
  auto got = co_await in_->fill(*stream_, idle_deadline(idle_, deadline_));
  if (!got && got.error().code == Code::timeout)
    co_return fail(Code::timeout, "the body did not arrive in time");
  if (!got) co_return std::unexpected(std::move(got).error());
  if (*got == 0 && framing_ != Framing::until_close)
    co_return fail(Code::closed, "the connection ended in the middle of the body");
  if (*got == 0) done_ = true;
  co_return Status();
}

Task<Result<std::string_view>> MessageBody::next() {
  settle();
  while (!done_ && !failed_) {
    if (framing_ == Framing::length && left_ == 0) break;
    std::string_view have = in_->view();
    if (!have.empty() && framing_ != Framing::chunked) {
      std::string_view piece =
          framing_ == Framing::length ? have.substr(0, std::min<uint64_t>(left_, have.size())) : have;
      if (framing_ == Framing::length) left_ -= piece.size();
      pending_ = piece.size();
      co_return piece;
    }
    if (!have.empty()) {
      std::string_view rest = have;
      auto piece = chunks_.next(rest);
      failed_ = !piece;
      if (!piece) co_return std::unexpected(std::move(piece).error());
      pending_ = have.size() - rest.size();
      if (!piece->empty()) co_return *piece;
      settle();
      if (chunks_.done()) break;
    }
    auto filled = co_await fill();
    failed_ = !filled;
    if (!filled) co_return std::unexpected(std::move(filled).error());
  }
  if (failed_) co_return fail(Code::closed, "the body failed before");
  ended();
  co_return std::string_view();
}

std::optional<BodyReader::Raw> MessageBody::raw() {
  settle();
  bool possible = framing_ == Framing::length && !failed_ && !continue_pending_ && in_->empty() && left_ > 0;
  if (!possible) return std::nullopt;
  return Raw{.stream = stream_, .remaining = left_, .deadline = deadline_, .idle = idle_};
}

void MessageBody::raw_moved(uint64_t bytes) {
  left_ -= bytes;
  if (left_ == 0) ended();
}

Task<bool> MessageBody::discard(uint64_t limit) {
  uint64_t dropped = 0;
  for (;;) {
    auto piece = co_await next();
    if (!piece) co_return false;
    if (piece->empty()) co_return true;
    dropped += piece->size();
    if (dropped > limit) co_return false;
  }
}

Status MessageWriter::take(uint64_t n) {
  if (framing_ != Framing::length) return {};
  if (n > left_) return fail(Code::internal, "more bytes were written than Content-Length said");
  left_ -= n;
  return {};
}

Task<Status> MessageWriter::write(std::string_view bytes) {
  if (bytes.empty()) co_return Status();
  CO_TRY_VOID(take(bytes.size()));
  if (framing_ != Framing::chunked) co_return co_await stream_.write_all(bytes);
  char size[20];
  auto end = fmt::format_to_n(size, sizeof size, "{:x}\r\n", bytes.size());
  co_return co_await stream_.impl().write_pieces({size, end.size}, bytes, "\r\n", kNever);
}

Task<Status> MessageWriter::send_file(int fd, uint64_t offset, uint64_t length) {
  if (length == 0) co_return Status();
  CO_TRY_VOID(take(length));
  if (framing_ == Framing::chunked) CO_TRY_VOID(co_await stream_.write_all(fmt::format("{:x}\r\n", length)));
  CO_TRY_VOID(co_await stream_.impl().send_file(fd, offset, length));
  if (framing_ == Framing::chunked) CO_TRY_VOID(co_await stream_.write_all("\r\n"));
  co_return Status();
}

Task<Status> MessageWriter::move_raw(BodyReader& body, BodyReader::Raw raw) {
  CO_TRY_VOID(take(raw.remaining));
  auto limit = static_cast<int64_t>(raw.remaining);
  auto moved = co_await move_bytes(*raw.stream, stream_, limit, raw.deadline, raw.idle, source_failed_);
  if (!moved) co_return std::unexpected(std::move(moved).error());
  source_failed_ = *moved < limit;
  if (source_failed_) co_return fail(Code::closed, "the connection ended in the middle of the body");
  body.raw_moved(raw.remaining);
  co_return Status();
}

Task<Status> MessageWriter::write_from(BodyReader& body) {
  for (;;) {
    auto raw = framing_ == Framing::chunked ? std::nullopt : body.raw();
    if (raw && raw->remaining >= kWorthSplicing) co_return co_await move_raw(body, *raw);
    auto piece = co_await body.next();
    source_failed_ = !piece;
    if (!piece) co_return std::unexpected(std::move(piece).error());
    if (piece->empty()) co_return Status();
    CO_TRY_VOID(co_await write(*piece));
  }
}

Task<Status> MessageWriter::finish() {
  if (framing_ == Framing::length && left_ > 0)
    co_return fail(Code::internal, "fewer bytes were written than Content-Length said");
  if (framing_ == Framing::chunked) co_return co_await stream_.write_all("0\r\n\r\n");
  co_return Status();
}

}  // namespace detail
}  // namespace dt
