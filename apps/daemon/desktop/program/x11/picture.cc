#include "apps/daemon/desktop/program/x11/picture.h"

#include <algorithm>

namespace dt::desktop {
namespace {

constexpr int kArm = 20;
constexpr int kCentre = 2;

struct Colour {
  uint8_t red, green, blue;
};
constexpr Colour kBlack{0, 0, 0}, kWhite{255, 255, 255}, kRed{255, 0, 0};

void put(Picture& picture, int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return;
  uint8_t* pixel = picture.at(x, y);
  pixel[0] = colour.red;
  pixel[1] = colour.green;
  pixel[2] = colour.blue;
}

void fill(Picture& picture, int x0, int y0, int x1, int y1, Colour colour) {
  for (int y = y0; y <= y1; ++y)
    for (int x = x0; x <= x1; ++x) put(picture, x, y, colour);
}

}  // namespace

void draw_pointer(Picture& picture, int x, int y) {
  // The outline first, so that the bars cross over it.
  fill(picture, x - kArm, y - 1, x + kArm, y + 1, kWhite);
  fill(picture, x - 1, y - kArm, x + 1, y + kArm, kWhite);
  fill(picture, x - kArm, y, x + kArm, y, kBlack);
  fill(picture, x, y - kArm, x, y + kArm, kBlack);
  fill(picture, x - kCentre, y - kCentre, x + kCentre, y + kCentre, kRed);
}

Picture scaled(const Picture& picture, double factor) {
  auto side = [factor](int length) { return std::max(1, static_cast<int>(length * factor)); };
  Picture out(side(picture.width), side(picture.height));
  std::vector<size_t> columns(static_cast<size_t>(out.width));
  for (int x = 0; x < out.width; ++x)
    columns[static_cast<size_t>(x)] =
        static_cast<size_t>(static_cast<int64_t>(x) * picture.width / out.width) * 3;
  uint8_t* to = out.rgb.data();
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* row =
        picture.at(0, static_cast<int>(static_cast<int64_t>(y) * picture.height / out.height));
    for (size_t column : columns) {
      *to++ = row[column];
      *to++ = row[column + 1];
      *to++ = row[column + 2];
    }
  }
  return out;
}

}  // namespace dt::desktop
