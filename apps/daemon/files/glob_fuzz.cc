// Patterns from strangers: the matcher must agree with a plain one, and never match what is malformed.
#include <cstdint>

#include "apps/daemon/files/glob.h"
#include "libs/base/error.h"

namespace {

using dt::daemon::glob_match;

// Tries every length of the first star.
bool plain_match(std::string_view pattern, std::string_view name) {
  size_t star = std::string_view::npos;
  for (size_t i = 0; i < pattern.size() && star == std::string_view::npos; ++i) {
    if (pattern[i] == '\\')
      ++i;
    else if (pattern[i] == '*')
      star = i;
  }
  if (star == std::string_view::npos) return glob_match(pattern, name);
  for (size_t head = 0; head <= name.size(); ++head) {
    if (!glob_match(pattern.substr(0, star), name.substr(0, head))) continue;
    for (size_t tail = head; tail <= name.size(); ++tail)
      if (plain_match(pattern.substr(star + 1), name.substr(tail))) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t cut = std::min(text.find('\n'), size);
  std::string_view pattern = text.substr(0, cut), name = text.substr(std::min(cut + 1, size));
  bool matched = glob_match(pattern, name);
  if (matched) CHECK(dt::daemon::glob_well_formed(pattern));
  // Without brackets a star may be looked for by hand; with names in ASCII every cut is between characters.
  bool ascii = true;
  for (char c : text) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  bool plain = ascii && pattern.size() < 12 && name.size() < 12 &&
               pattern.find('[') == std::string_view::npos && name.find('/') == std::string_view::npos;
  if (plain && dt::daemon::glob_well_formed(pattern)) CHECK(matched == plain_match(pattern, name));
  return 0;
}
