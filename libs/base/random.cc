#include "libs/base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "libs/base/error.h"
#include "libs/base/text.h"

namespace dt {

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  for (size_t done = 0; done < count;) {
    ssize_t n = ::getrandom(out.data() + done, count - done, 0);
    if (n < 0 && errno == EINTR) continue;
    CHECK(n > 0);
    done += static_cast<size_t>(n);
  }
  return out;
}

uint64_t random_u64() {
  uint64_t v = 0;
  for (char c : random_bytes(8)) v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

std::string uuid_v4() {
  std::string b = random_bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0F) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3F) | 0x80);
  std::string h = hex_encode(b);
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" +
         h.substr(20);
}

std::string random_token(size_t length) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < length) {
    for (char c : random_bytes(length)) {
      auto v = static_cast<unsigned char>(c);
      if (v < 252 && out.size() < length) out += kAlphabet[v % 36];  // 252 = 7 * 36: no bias
    }
  }
  return out;
}

}  // namespace dt
