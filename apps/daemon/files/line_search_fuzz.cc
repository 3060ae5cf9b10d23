// Texts and patterns from strangers: the search in pieces must find what a plain search finds, wherever the
// pieces end.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "apps/daemon/files/line_search.h"
#include "libs/base/error.h"

namespace {

using namespace dt::daemon;

// number and shown text of each matching line
std::string plain(std::string_view text, std::string_view pattern, size_t shown) {
  std::string out;
  if (text.empty() || text.substr(0, 512).find('\0') != std::string_view::npos) return out;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find(pattern) != std::string_view::npos)
      out += std::to_string(number) + ":" + std::string(line.substr(0, shown)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3 || size > 8192) return 0;
  size_t buffer = 512 + data[0] % 64, length = 1 + data[1] % 12;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string_view pattern = rest.substr(0, length), text = rest.substr(pattern.size());
  // Ends of lines are in no line; a long line keeps its carriage return, so patterns with one are left to
  // unit tests.
  if (pattern.find_first_of("\n\r") != std::string_view::npos) return 0;
  static int file = ::memfd_create("text", MFD_CLOEXEC);
  CHECK(::ftruncate(file, 0) == 0 &&
        ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  CHECK(::lseek(file, 0, SEEK_SET) == 0);
  TextFinder finder{std::string(pattern)};
  Ended ended;
  LineSearch lines(finder, ended, {.buffer = buffer, .line = 4 * buffer});
  std::string found, wanted = plain(text, pattern, 8 * buffer);
  size_t longest = 0;
  lines.search(file, [&](size_t number, std::string_view line, bool cut) {
    longest = std::max(longest, line.size());
    std::string_view shown = line.substr(0, 8 * buffer);
    found += std::to_string(number) + ":" + std::string(shown) + (cut ? "…" : "") + "\n";
  });
  CHECK(longest <= 16 * buffer + 1024);
  // Of cut lines the number and the beginning must agree.
  for (std::string_view ours = found, theirs = wanted; !ours.empty() || !theirs.empty();) {
    CHECK(!ours.empty() && !theirs.empty());
    std::string_view a = ours.substr(0, ours.find('\n')), b = theirs.substr(0, theirs.find('\n'));
    bool cut = a.ends_with("…");
    if (cut) a.remove_suffix(3);
    CHECK(cut ? b.starts_with(a.substr(0, std::min(a.size(), b.size()))) : a == b);
    ours.remove_prefix(std::min(ours.find('\n') + 1, ours.size()));
    theirs.remove_prefix(std::min(theirs.find('\n') + 1, theirs.size()));
  }
  return 0;
}
