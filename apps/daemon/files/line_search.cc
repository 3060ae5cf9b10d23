#include "apps/daemon/files/line_search.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dt::daemon {
namespace {

constexpr size_t kHead = 512;
constexpr size_t kPatience = 64;  // false alarms of the rarest byte before memmem takes over
constexpr size_t npos = std::string_view::npos;

// The higher, the more often the byte stands in files; by its kind alone.
int frequency(unsigned char c) {
  constexpr std::string_view kCommon = " etaoinsrldcu";
  if (size_t at = kCommon.find(static_cast<char>(c)); at != npos) return 100 - static_cast<int>(at);
  if (c == '\n' || c == '_' || c == '.' || c == '(' || c == ')' || c == ',') return 60;
  if (c >= 'a' && c <= 'z') return c == 'j' || c == 'q' || c == 'x' || c == 'z' ? 20 : 50;
  if (c >= '0' && c <= '9') return 40;
  if (c >= 0x80) return 10;
  return c >= 'A' && c <= 'Z' ? 25 : 30;
}

size_t count_newlines(std::string_view text) {
  constexpr size_t kBlock = 128;  // below the range of a byte, and what a vector loop likes
  size_t total = 0, at = 0;
  for (; at + kBlock <= text.size(); at += kBlock) {
    uint8_t sum = 0;
    for (size_t i = 0; i < kBlock; ++i) sum = static_cast<uint8_t>(sum + (text[at + i] == '\n'));
    total += sum;
  }
  return total + static_cast<size_t>(std::count(text.begin() + static_cast<ptrdiff_t>(at), text.end(), '\n'));
}

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

ssize_t read_some(int fd, char* to, size_t size) {
  for (;;) {
    ssize_t n = ::read(fd, to, size);
    if (n >= 0 || errno != EINTR) return n;
  }
}

}  // namespace

TextFinder::TextFinder(std::string text) : text_(std::move(text)) {
  for (size_t i = 1; i < text_.size(); ++i)
    if (frequency(static_cast<unsigned char>(text_[i])) <
        frequency(static_cast<unsigned char>(text_[rarest_])))
      rarest_ = i;
}

size_t TextFinder::find(std::string_view in, size_t from) const {
  size_t alarms = 0;
  while (in.size() - from >= text_.size()) {
    const char* start = in.data() + from + rarest_;
    auto* hit =
        static_cast<const char*>(std::memchr(start, text_[rarest_], in.size() - from - text_.size() + 1));
    if (!hit) return npos;
    from += static_cast<size_t>(hit - start);
    if (std::memcmp(in.data() + from, text_.data(), text_.size()) == 0) return from;
    ++from;
    if (++alarms < kPatience) continue;
    auto* rest =
        static_cast<const char*>(::memmem(in.data() + from, in.size() - from, text_.data(), text_.size()));
    return rest ? static_cast<size_t>(rest - in.data()) : npos;
  }
  return npos;
}

LineSearch::LineSearch(const TextFinder& finder, const Ended& ended, Limits limits)
    : finder_(finder), ended_(ended), limits_(limits), buffer_(limits.buffer) {}

// Until the buffer is full or the file is over. False: there is nothing to look at.
bool LineSearch::fill(int fd) {
  bool head = have_ == 0 && number_ == 1;
  while (have_ < buffer_.size() && !end_) {
    ssize_t n = read_some(fd, buffer_.data() + have_, buffer_.size() - have_);
    end_ = n <= 0;
    if (n <= 0) break;
    have_ += static_cast<size_t>(n);
    if (head && std::memchr(buffer_.data(), 0, std::min(have_, kHead))) return false;
  }
  return have_ > 0;
}

void LineSearch::keep(size_t from) {
  std::memmove(buffer_.data(), buffer_.data() + from, have_ - from);
  have_ -= from;
}

// `text` is whole lines; `number_` stays that of its first.
void LineSearch::lines(std::string_view text, const Found& found) {
  size_t at = 0, counted = 0, number = number_;
  while (!ended_.now && (at = finder_.find(text, at)) != npos) {
    size_t start = text.rfind('\n', at) + 1;  // npos + 1 is 0
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = without_return(text.substr(start, end - start));
    if (at + finder_.text().size() > start + line.size()) {
      ++at;
      continue;
    }
    number += count_newlines(text.substr(counted, start - counted));
    counted = start;
    found(number, line, false);
    at = std::min(end + 1, text.size());
  }
}

// The buffer is full of one line, of which no more than that is kept.
void LineSearch::long_line(int fd, const Found& found) {
  std::string head(buffer_.data(), have_);
  bool matched = finder_.find(head, 0) != npos;
  keep(have_ - std::min(have_, finder_.text().size() - 1));  // a match may begin here
  size_t end = npos;
  while (end == npos && !ended_.now) {
    size_t old = have_;
    if (old + kHead > buffer_.size()) buffer_.resize(old + std::max(kHead, limits_.buffer));
    ssize_t n = read_some(fd, buffer_.data() + old, buffer_.size() - old);
    end_ = n <= 0;
    if (n > 0) have_ += static_cast<size_t>(n);
    std::string_view text(buffer_.data(), have_);
    end = end_ ? have_ : text.find('\n', old);
    matched = matched || finder_.find(text.substr(0, end), 0) != npos;
    if (end == npos) keep(have_ - std::min(have_, finder_.text().size() - 1));
  }
  if (matched) found(number_, head, true);
  ++number_;
  keep(std::min(have_, end == npos ? have_ : end + 1));
}

void LineSearch::search(int fd, const Found& found) {
  have_ = 0;
  number_ = 1;
  end_ = false;
  while (!ended_.now && fill(fd)) {
    std::string_view text(buffer_.data(), have_);
    size_t whole = end_ ? have_ : text.rfind('\n') + 1;
    if (whole == 0 && buffer_.size() < limits_.line) {
      buffer_.resize(buffer_.size() * 2);
    } else if (whole == 0) {
      long_line(fd, found);
    } else {
      lines(text.substr(0, whole), found);
      if (end_) return;
      number_ += count_newlines(text.substr(0, whole));
      keep(whole);
    }
  }
}

}  // namespace dt::daemon
