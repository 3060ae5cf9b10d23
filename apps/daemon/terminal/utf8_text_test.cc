#include "apps/daemon/terminal/utf8_text.h"

#include <gtest/gtest.h>

#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

TEST(Utf8Text, EveryCutOfAText) {
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Text out;
      std::string seen;
      for (std::string piece :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        std::string shown(out.take(piece));
        EXPECT_TRUE(valid_utf8(shown));
        seen += shown;
      }
      EXPECT_EQ(seen, text);
    }
  }
}

TEST(Utf8Text, ByteByByte) {
  Utf8Text out;
  std::string seen;
  for (char c : std::string("\xf0\x9f\x98\x80\xc3\xa4")) {
    std::string byte(1, c);
    seen += out.take(byte);
  }
  EXPECT_EQ(seen, "\xf0\x9f\x98\x80\xc3\xa4");
}

TEST(Utf8Text, InvalidBytesAreReplaced) {
  Utf8Text out;
  EXPECT_EQ(out.take("a\xff"
                     "b\x80"),
            "a" + std::string(kReplacement) + "b" + std::string(kReplacement));
  EXPECT_EQ(out.take("\xe2\x82"), "");
  std::string shown(out.take("x"));
  EXPECT_TRUE(valid_utf8(shown));
  EXPECT_TRUE(shown.ends_with("x"));
  EXPECT_TRUE(shown.starts_with(kReplacement));
}

TEST(Utf8Text, ValidPiecesAreNotCopied) {
  Utf8Text out;
  std::string text = "plain";
  EXPECT_EQ(out.take(text).data(), text.data());
}

}  // namespace
}  // namespace dt::daemon
