// Lines of a file that contain a text. Memory is bounded whatever the file is; a match may be anywhere in a
// line of any length, of which the first MiB is shown. Blocks.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/daemon/files/tree_walk.h"

namespace dt::daemon {

// Where a text is in larger ones; it is not empty and has no line's end. Bytes that are rare in files are
// looked for first.
class TextFinder {
 public:
  explicit TextFinder(std::string text);
  // Of the first one at or behind `from`; npos: none.
  size_t find(std::string_view in, size_t from) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  size_t rarest_ = 0;  // offset of its rarest byte
};

// One thread's; keeps its buffer from file to file.
class LineSearch {
 public:
  // number counts from 1; without the line's end; cut: of a longer line.
  using Found = std::function<void(size_t number, std::string_view line, bool cut)>;
  // Bytes; `line` is what is kept of a longer one.
  struct Limits {
    size_t buffer = 128 * 1024, line = 1u << 20;
  };
  LineSearch(const TextFinder& finder, const Ended& ended, Limits limits);
  LineSearch(const TextFinder& finder, const Ended& ended) : LineSearch(finder, ended, Limits()) {}
  // Empty files and those with a NUL in their first 512 bytes are skipped. Read errors end the file.
  void search(int fd, const Found& found);

 private:
  bool fill(int fd);
  void lines(std::string_view text, const Found& found);
  void long_line(int fd, const Found& found);
  void keep(size_t from);
  const TextFinder& finder_;
  const Ended& ended_;
  const Limits limits_;
  std::vector<char> buffer_;
  size_t have_ = 0;    // bytes in it
  size_t number_ = 1;  // of the line it begins with
  bool end_ = false;   // of the file
};

}  // namespace dt::daemon
