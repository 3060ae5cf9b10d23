// Bodies of messages on a connection: reading with any framing, writing with a length, chunked or until the
// end.
#pragma once
#include "libs/net/chunked.h"
#include "libs/net/http.h"
#include "libs/net/read_buffer.h"

namespace dt::detail {

class MessageBody final : public BodyReader {
 public:
  enum class Framing { none, length, chunked, until_close };
  MessageBody(Stream& stream, ReadBuffer& in) : stream_(&stream), in_(&in) {}

  void start(Framing framing, uint64_t length, Mono deadline, Millis idle);
  void expect_continue() { continue_pending_ = true; }  // 100 is sent before the first read
  void on_end(std::move_only_function<void()> fn) {
    on_end_ = std::move(fn);
  }  // once, when the last byte was taken

  Task<Result<std::string_view>> next() override;
  std::optional<uint64_t> length() const override;
  std::optional<Raw> raw() override;
  void raw_moved(uint64_t bytes) override;

  // All bytes were handed out and nothing failed; what was handed out is given up.
  bool finish();
  bool failed() const { return failed_; }
  bool started() const { return started_; }
  bool waits_for_continue() const { return continue_pending_; }
  // Known to be at most this long from here.
  bool at_most(uint64_t limit) const;
  // The rest is in the buffer already.
  bool buffered() const { return framing_ == Framing::length && left_ <= in_->size() - pending_; }
  // Reads and drops up to `limit` bytes; true when the end was reached.
  Task<bool> discard(uint64_t limit);

 private:
  Task<Status> fill();
  void settle();
  void ended();
  Stream* stream_;
  ReadBuffer* in_;
  Framing framing_ = Framing::none;
  uint64_t total_ = 0;
  uint64_t left_ = 0;
  size_t pending_ = 0;  // bytes of the buffer that were handed out
  ChunkedDecoder chunks_;
  Mono deadline_ = kNever;
  Millis idle_{0};
  bool done_ = true;
  bool failed_ = false;
  bool started_ = false;
  bool continue_pending_ = false;
  std::move_only_function<void()> on_end_;
};

class MessageWriter final : public BodyWriter {
 public:
  enum class Framing { length, chunked, until_close };
  MessageWriter(Stream& stream, Framing framing, uint64_t length = 0)
      : stream_(stream), framing_(framing), left_(length) {}
  Task<Status> write(std::string_view bytes) override;
  Task<Status> send_file(int fd, uint64_t offset, uint64_t length) override;
  Task<Status> write_from(BodyReader& body) override;
  // The end of the body; fails when fewer bytes were written than announced.
  Task<Status> finish();
  bool source_failed() const { return source_failed_; }  // the last write_from() failed while reading

 private:
  Status take(uint64_t n);
  Task<Status> move_raw(BodyReader& body, BodyReader::Raw raw);
  Stream& stream_;
  Framing framing_;
  uint64_t left_;
  bool source_failed_ = false;
};

}  // namespace dt::detail
