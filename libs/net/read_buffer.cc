#include "libs/net/read_buffer.h"

#include <cstring>
#include <vector>

namespace dt::detail {
namespace {

constexpr size_t kPooled = 16;
thread_local std::vector<std::unique_ptr<char[]>> g_small;

std::unique_ptr<char[]> take_small() {
  if (g_small.empty()) return std::make_unique_for_overwrite<char[]>(ReadBuffer::kSmall);
  auto out = std::move(g_small.back());
  g_small.pop_back();
  return out;
}

}  // namespace

ReadBuffer::ReadBuffer(ReadBuffer&& o) noexcept
    : data_(std::move(o.data_)),
      capacity_(std::exchange(o.capacity_, 0)),
      begin_(std::exchange(o.begin_, 0)),
      end_(std::exchange(o.end_, 0)) {}

ReadBuffer& ReadBuffer::operator=(ReadBuffer&& o) noexcept {
  if (this == &o) return *this;
  release();
  data_ = std::move(o.data_);
  capacity_ = std::exchange(o.capacity_, 0);
  begin_ = std::exchange(o.begin_, 0);
  end_ = std::exchange(o.end_, 0);
  return *this;
}

void ReadBuffer::release() {
  if (capacity_ == kSmall && g_small.size() < kPooled) g_small.push_back(std::move(data_));
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

void ReadBuffer::reserve(size_t room) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ >= room) return;
  size_t used = size();
  if (used + room <= capacity_) {
    memmove(data_.get(), data_.get() + begin_, used);
  } else {
    size_t capacity = kSmall;
    while (capacity < used + room) capacity *= 2;
    auto bigger = capacity == kSmall ? take_small() : std::make_unique_for_overwrite<char[]>(capacity);
    if (used) memcpy(bigger.get(), data_.get() + begin_, used);
    release();
    data_ = std::move(bigger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = used;
}

void ReadBuffer::prepend_all(std::string_view bytes) {
  reserve(bytes.size());
  memcpy(data_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

std::string ReadBuffer::take() {
  std::string out(view());
  consume(out.size());
  release();
  return out;
}

Task<Result<size_t>> ReadBuffer::fill(Stream& stream, Mono deadline, size_t room) {
  reserve(room);
  auto got = co_await stream.read_some({data_.get() + end_, capacity_ - end_}, deadline);
  if (got) end_ += *got;
  co_return got;
}

Result<size_t> find_head_end(std::string_view text, size_t& scanned) {
  while (scanned < text.size()) {
    const void* found = memchr(text.data() + scanned, '\n', text.size() - scanned);
    if (!found) {
      scanned = text.size();
      return 0;
    }
    size_t at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    if (at == 0 || text[at - 1] != '\r') return fail(Code::bad_request, "malformed HTTP: LF without CR");
    scanned = at + 1;
    bool empty_line = at >= 3 && text[at - 2] == '\n';
    if (empty_line) return at + 1;
  }
  return 0;
}

}  // namespace dt::detail
