// Frames in pieces of any size, and what is refused.
#include "apps/daemon/lsp/framing.h"

#include <gtest/gtest.h>

namespace dt::daemon::lsp {
namespace {

TEST(Framing, PiecesOfAnySize) {
  std::string text = frame("one") + frame("") + "hello\nContent-Type: x\r\ncontent-length:  3\r\n\r\ntwo" +
                     "printed Content-Length: 5\n\nthree";
  for (size_t step = 1; step <= text.size(); ++step) {
    FrameReader reader;
    std::vector<std::string> out;
    for (size_t at = 0; at < text.size(); at += step)
      ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, step), out));
    EXPECT_EQ(out, (std::vector<std::string>{"one", "", "two", "three"})) << step;
  }
}

TEST(Framing, Refusals) {
  for (std::string text : {"Content-Length: 99999999999999999999\r\n", "Content-Length: -1\r\n",
                           "Content-Length: x\r\n", "Content-Length:\r\n", "Content-Length: 33554433\r\n"}) {
    FrameReader reader;
    std::vector<std::string> out;
    EXPECT_FALSE(reader.feed(text, out)) << text;
  }
  FrameReader reader;
  std::vector<std::string> out;
  EXPECT_TRUE(reader.feed(std::string(kMostNoise, 'x'), out));
  EXPECT_FALSE(reader.feed("x", out));
}

}  // namespace
}  // namespace dt::daemon::lsp
