#include "apps/daemon/files/search.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <tuple>

#include "apps/daemon/files/file_error.h"
#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/staged_file.h"
#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kReplaceLimit = 64u << 20;  // larger files are refused
constexpr size_t kAnswerLimit = 64u << 20;   // no more matches are looked for beyond
constexpr size_t kLineLimit = 1u << 20;
constexpr size_t kReadPiece = 64 * 1024;

using Visit = std::function<void(const std::string& path, const struct stat&)>;

// The root and everything below it, in the order of names; links are not followed.
void walk(const std::string& path, const Visit& visit) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) < 0) return;
  visit(path, st);
  if (!S_ISDIR(st.st_mode)) return;
  auto names = sorted_names(path);
  if (!names) return;
  for (const std::string& name : *names) walk(joined_path(path, name), visit);
}

void append_match(std::string& out, const std::string& file, size_t line, std::string_view content) {
  if (out.size() > 1) out += ',';
  out += "{\"file\":";
  codec::write_string(out, file);
  out += ",\"line\":" + std::to_string(line) + ",\"content\":";
  codec::write_string(out, content);
  out += '}';
}

bool looks_binary(int fd) {
  char head[512];
  ssize_t n = ::pread(fd, head, sizeof head, 0);
  return n <= 0 || std::string_view(head, static_cast<size_t>(n)).find('\0') != std::string_view::npos;
}

// Splits a file into lines with bounded memory: of a longer line only the first kLineLimit bytes are looked
// at.
class LineReader {
 public:
  explicit LineReader(Fd fd) : fd_(std::move(fd)), buffer_(kReadPiece) {}
  // False at the end.
  bool next(std::string& line);

 private:
  bool fill();
  Fd fd_;
  std::vector<char> buffer_;
  size_t at_ = 0, end_ = 0;
};

bool LineReader::fill() {
  ssize_t n = 0;
  do n = ::read(fd_.get(), buffer_.data(), buffer_.size());
  while (n < 0 && errno == EINTR);
  at_ = 0;
  end_ = n > 0 ? static_cast<size_t>(n) : 0;
  return n > 0;
}

bool LineReader::next(std::string& line) {
  line.clear();
  bool any = false;
  for (;;) {
    if (at_ == end_ && !fill()) return any;
    any = true;
    std::string_view rest(buffer_.data() + at_, end_ - at_);
    size_t newline = rest.find('\n');
    std::string_view piece = rest.substr(0, newline);
    line.append(piece.substr(0, kLineLimit - std::min(kLineLimit, line.size())));
    at_ += piece.size();
    if (newline == std::string_view::npos) continue;
    ++at_;
    return true;
  }
}

void find_in(std::string& out, const std::string& path, std::string_view pattern) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd || looks_binary(fd.get())) return;
  LineReader lines(std::move(fd));
  std::string line;
  for (size_t number = 1; out.size() < kAnswerLimit && lines.next(line); ++number) {
    std::string_view text = line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find(pattern) != std::string_view::npos) append_match(out, path, number, text);
  }
}

// A bracket expression at `p` behind its '['; moves behind the ']'. -1: malformed.
int match_class(std::string_view pattern, size_t& p, char c) {
  bool negated = p < pattern.size() && pattern[p] == '^';
  if (negated) ++p;
  bool hit = false;
  for (bool first = true;; first = false) {
    if (p >= pattern.size()) return -1;
    if (pattern[p] == ']' && !first) break;
    if (pattern[p] == '\\' && ++p >= pattern.size()) return -1;
    char low = pattern[p++], high = low;
    if (p + 1 < pattern.size() && pattern[p] == '-' && pattern[p + 1] != ']') {
      high = pattern[p + 1];
      p += 2;
    }
    if (static_cast<unsigned char>(low) <= static_cast<unsigned char>(c) &&
        static_cast<unsigned char>(c) <= static_cast<unsigned char>(high))
      hit = true;
  }
  ++p;
  return hit != negated ? 1 : 0;
}

// One pattern element against one character; moves behind the element.
bool match_one(std::string_view pattern, size_t& p, char c) {
  switch (pattern[p]) {
    case '?':
      ++p;
      return c != '/';
    case '[':
      ++p;
      return match_class(pattern, p, c) == 1;
    case '\\':
      if (++p >= pattern.size()) return false;
      [[fallthrough]];
    default:
      return pattern[p++] == c;
  }
}

std::optional<std::string> replace_in(const std::string& path, const std::string& pattern,
                                      const std::string& value) {
  if (auto ok = check_path(path); !ok) return ok.error().message;
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st{};
  if (!fd || ::fstat(fd.get(), &st) < 0) return file_error(path, errno).message;
  if (!S_ISREG(st.st_mode)) return "not a regular file: " + path;
  auto text = read_all(fd.get(), kReplaceLimit);
  if (!text) return text.error().message;
  auto file = StagedFile::open(path, 0755);
  if (!file) return file.error().message;
  Status done = file->write(replace_all(std::move(*text), pattern, value));
  if (done) done = file->commit();
  if (!done) return done.error().message;
  return std::nullopt;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = n;
      continue;
    }
    size_t next = p;
    if (p < pattern.size() && match_one(pattern, next, name[n])) {
      p = next;
      ++n;
      continue;
    }
    if (star == std::string_view::npos || name[retry] == '/') return false;
    p = star;
    n = ++retry;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string find_json(const std::string& root, const std::string& pattern) {
  std::string out = "[";
  walk(root, [&](const std::string& path, const struct stat& st) {
    if (S_ISREG(st.st_mode)) find_in(out, path, pattern);
  });
  return out + "]";
}

std::string search_json(const std::string& root, const std::string& pattern) {
  std::string out = "{\"files\":[";
  bool first = true;
  walk(root, [&](const std::string& path, const struct stat&) {
    if (!glob_match(pattern, base_name(path))) return;
    if (!std::exchange(first, false)) out += ',';
    codec::write_string(out, path);
  });
  return out + "]}";
}

std::string replace_json(const std::vector<std::string>& files, const std::string& pattern,
                         const std::string& value) {
  std::string out = "[";
  for (const std::string& file : files) {
    auto error = replace_in(file, pattern, value);
    if (out.size() > 1) out += ',';
    out += "{\"file\":";
    codec::write_string(out, file);
    out += error ? ",\"success\":false,\"error\":" : ",\"success\":true";
    if (error) codec::write_string(out, *error);
    out += '}';
  }
  return out + "]";
}

}  // namespace dt::daemon
