// Pictures in memory: drawing the pointer, scaling, PNG and JPEG. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::desktop {

struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // rows without gaps

  Picture() = default;
  Picture(int w, int h) : width(w), height(h), rgb(3u * static_cast<size_t>(w) * static_cast<size_t>(h)) {}
  uint8_t* at(int x, int y) {
    return rgb.data() + 3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
  }
  const uint8_t* at(int x, int y) const { return const_cast<Picture*>(this)->at(x, y); }
};

// A black cross of 41 pixels with a white outline and a red centre; what lies outside is left out.
void draw_pointer(Picture& picture, int x, int y);

// Nearest neighbour; at least one pixel each way. `factor` is 0.1 to 1.
Picture scaled(const Picture& picture, double factor);

Result<std::string> encode_png(const Picture& picture);
Result<std::string> encode_jpeg(const Picture& picture, int quality);  // 1 to 100

}  // namespace dt::desktop
