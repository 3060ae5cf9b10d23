// For tests: what encoders made, read back by others' decoders.
#pragma once
#include <gtest/gtest.h>
#include <png.h>

#include <cstdio>
// After <cstdio>, which it needs.
#include <jpeglib.h>

#include <string>

#include "apps/daemon/desktop/program/x11/picture.h"

namespace dt::desktop {

inline Picture decode_png(const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) << image.message;
  image.format = PNG_FORMAT_RGB;
  Picture out(static_cast<int>(image.width), static_cast<int>(image.height));
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, out.rgb.data(), 0, nullptr)) << image.message;
  return out;
}

inline Picture decode_jpeg(const std::string& bytes) {
  jpeg_error_mgr errors;
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  Picture out(static_cast<int>(info.output_width), static_cast<int>(info.output_height));
  while (info.output_scanline < info.output_height) {
    uint8_t* row = out.at(0, static_cast<int>(info.output_scanline));
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return out;
}

inline uint32_t colour(const Picture& picture, int x, int y) {
  const uint8_t* p = picture.at(x, y);
  return static_cast<uint32_t>(p[0] << 16 | p[1] << 8 | p[2]);
}

}  // namespace dt::desktop
