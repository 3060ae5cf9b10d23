#include "apps/daemon/desktop/program/x11/picture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "apps/daemon/desktop/program/x11/decode_testing.h"

namespace dt::desktop {
namespace {

// Every pixel another colour.
Picture pattern(int width, int height) {
  Picture out(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      uint8_t* p = out.at(x, y);
      p[0] = static_cast<uint8_t>(x * 7 + y);
      p[1] = static_cast<uint8_t>(x / 3 ^ y);
      p[2] = static_cast<uint8_t>(y * 5 - x);
    }
  return out;
}

TEST(Picture, PngKeepsEveryPixel) {
  for (auto [width, height] : {std::pair(1, 1), {1, 9}, {300, 1}, {257, 130}}) {
    Picture picture = pattern(width, height);
    auto png = encode_png(picture);
    ASSERT_TRUE(png.has_value());
    Picture back = decode_png(*png);
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    EXPECT_EQ(back.rgb, picture.rgb);
  }
}

TEST(Picture, PngOfAFlatDesktopIsSmall) {
  Picture picture(1024, 768);
  EXPECT_LT(encode_png(picture)->size(), picture.rgb.size() / 100);
}

TEST(Picture, JpegFollowsTheQuality) {
  Picture picture = pattern(200, 100);
  auto fine = encode_jpeg(picture, 100), coarse = encode_jpeg(picture, 5);
  ASSERT_TRUE(fine && coarse);
  EXPECT_LT(coarse->size(), fine->size());
  Picture flat(64, 32);
  std::ranges::fill(flat.rgb, 200);
  Picture back = decode_jpeg(*encode_jpeg(flat, 85));
  EXPECT_EQ(back.width, 64);
  EXPECT_EQ(back.height, 32);
  for (uint8_t sample : back.rgb) EXPECT_LE(std::abs(sample - 200), 2);
}

TEST(Picture, JpegThatIsTooLargeIsRefused) {
  Picture picture(70'000, 1);
  EXPECT_FALSE(encode_jpeg(picture, 50).has_value());
}

TEST(Picture, ScalesToTheNearestPixel) {
  Picture picture = pattern(10, 6);
  Picture half = scaled(picture, 0.5);
  ASSERT_EQ(half.width, 5);
  ASSERT_EQ(half.height, 3);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 5; ++x) EXPECT_EQ(colour(half, x, y), colour(picture, 2 * x, 2 * y));
  Picture least = scaled(pattern(3, 3), 0.1);
  EXPECT_EQ(least.width, 1);
  EXPECT_EQ(least.height, 1);
}

TEST(Picture, PointerIsACross) {
  Picture picture(100, 100);
  std::ranges::fill(picture.rgb, 128);
  draw_pointer(picture, 50, 40);
  for (int d = 3; d <= 20; ++d)
    for (auto [x, y] : {std::pair(50 + d, 40), {50 - d, 40}, {50, 40 + d}, {50, 40 - d}}) {
      EXPECT_EQ(colour(picture, x, y), 0u);
      EXPECT_EQ(colour(picture, x == 50 ? 51 : x, x == 50 ? y : 41), 0xffffffu);
    }
  for (int y = 38; y <= 42; ++y)
    for (int x = 48; x <= 52; ++x) EXPECT_EQ(colour(picture, x, y), 0xff0000u);
  EXPECT_EQ(colour(picture, 71, 40), 0x808080u);
  EXPECT_EQ(colour(picture, 50, 61), 0x808080u);
}

TEST(Picture, PointerAtTheEdgeAndOutside) {
  Picture picture(10, 10);
  draw_pointer(picture, 0, 0);
  EXPECT_EQ(colour(picture, 1, 1), 0xff0000u);
  Picture same = picture;
  draw_pointer(picture, -500, 4000);
  EXPECT_EQ(picture.rgb, same.rgb);
}

}  // namespace
}  // namespace dt::desktop
