// The bytes read from a connection that nobody consumed yet. Its memory comes from a small pool per thread
// and goes back when the connection is idle.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libs/net/stream.h"

namespace dt::detail {

class ReadBuffer {
 public:
  static constexpr size_t kSmall = 16 * 1024;
  static constexpr size_t kLarge = 64 * 1024;

  ReadBuffer() = default;
  ReadBuffer(ReadBuffer&&) noexcept;
  ReadBuffer& operator=(ReadBuffer&&) noexcept;
  ~ReadBuffer() { release(); }

  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  void consume(size_t n) { begin_ += n; }
  void prepend_all(std::string_view bytes);  // only when empty
  std::string take();
  void release_if_empty() {
    if (empty()) release();
  }
  // Reads once and appends; makes room for at least `room` bytes. 0: end of stream.
  Task<Result<size_t>> fill(Stream& stream, Mono deadline, size_t room = 1);
  // Grows to the size for body transfer.
  void enlarge() { reserve(kLarge - size()); }

 private:
  void reserve(size_t room);
  void release();
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// Where the end of a message head is in `text`, searching from `*scanned` (kept between calls): the size of
// the head including the empty line, 0 when it is not complete. Bare LF fails at once.
Result<size_t> find_head_end(std::string_view text, size_t& scanned);

}  // namespace dt::detail
