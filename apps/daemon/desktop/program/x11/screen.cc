#include "apps/daemon/desktop/program/x11/screen.h"

#include <xcb/randr.h>
#include <xcb/shm.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace dt::desktop {
namespace {

constexpr int64_t kMostPixels = 1 << 25;  // 8K, four times over
constexpr uint32_t kAllPlanes = ~0u;

Result<Rect> root_area(Connection& x) {
  Reply<xcb_get_geometry_reply_t> root(
      xcb_get_geometry_reply(x.xcb(), xcb_get_geometry(x.xcb(), x.root()), nullptr));
  if (!root) return std::unexpected(x.lost());
  return Rect{0, 0, root->width, root->height};
}

Rect common(const Rect& a, const Rect& b) {
  int left = std::max(a.x, b.x), top = std::max(a.y, b.y);
  int right = std::min(a.x + a.width, b.x + b.width), bottom = std::min(a.y + a.height, b.y + b.height);
  return {left, top, std::max(0, right - left), std::max(0, bottom - top)};
}

// How the bytes of a pixel become colours.
struct Format {
  size_t bytes_per_pixel = 0, row_pad = 0;  // bytes
  bool low_byte_first = true;
  uint32_t red = 0, green = 0, blue = 0;  // masks
};

Result<Format> root_format(Connection& x) {
  const xcb_setup_t& setup = x.setup();
  Format out;
  out.low_byte_first = setup.image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
  for (auto it = xcb_setup_pixmap_formats_iterator(&setup); it.rem; xcb_format_next(&it)) {
    if (it.data->depth != x.screen().root_depth) continue;
    out.bytes_per_pixel = it.data->bits_per_pixel / 8u;
    out.row_pad = it.data->scanline_pad / 8u;
  }
  for (auto depth = xcb_screen_allowed_depths_iterator(&x.screen()); depth.rem; xcb_depth_next(&depth))
    for (auto it = xcb_depth_visuals_iterator(depth.data); it.rem; xcb_visualtype_next(&it)) {
      bool coloured =
          it.data->_class == XCB_VISUAL_CLASS_TRUE_COLOR || it.data->_class == XCB_VISUAL_CLASS_DIRECT_COLOR;
      if (it.data->visual_id != x.screen().root_visual || !coloured) continue;
      out.red = it.data->red_mask;
      out.green = it.data->green_mask;
      out.blue = it.data->blue_mask;
    }
  if (out.bytes_per_pixel < 2 || out.row_pad == 0 || !out.red || !out.green || !out.blue)
    return fail(Code::bad_request,
                "screenshots need a display with true colours, of 16 bits or more; this one has a depth of " +
                    std::to_string(x.screen().root_depth));
  return out;
}

// A sample of any number of bits as one of eight.
uint8_t sample(uint32_t pixel, uint32_t mask) {
  int shift = std::countr_zero(mask), bits = std::popcount(mask);
  uint32_t value = (pixel & mask) >> shift;
  return static_cast<uint8_t>(value * 255u / ((1u << bits) - 1u));
}

void convert_row(const Format& format, const uint8_t* from, int count, uint8_t* to) {
  bool usual = format.bytes_per_pixel == 4 && format.low_byte_first && format.red == 0xff0000 &&
               format.green == 0xff00 && format.blue == 0xff;
  if (usual) {
    for (int i = 0; i < count; ++i, from += 4, to += 3) {
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
    }
    return;
  }
  for (int i = 0; i < count; ++i, to += 3) {
    uint32_t pixel = 0;
    for (size_t b = 0; b < format.bytes_per_pixel; ++b) {
      size_t place = format.low_byte_first ? b : format.bytes_per_pixel - 1 - b;
      pixel |= static_cast<uint32_t>(*from++) << (8 * place);
    }
    to[0] = sample(pixel, format.red);
    to[1] = sample(pixel, format.green);
    to[2] = sample(pixel, format.blue);
  }
}

// The pixels of `part`, which lies on the screen, into the picture of `area`.
Status read_pixels(Connection& x, const Format& format, const Rect& part, const Rect& area, Picture& out) {
  auto left = static_cast<int16_t>(part.x), top = static_cast<int16_t>(part.y);
  auto width = static_cast<uint16_t>(part.width), height = static_cast<uint16_t>(part.height);
  size_t row = (part.width * format.bytes_per_pixel + format.row_pad - 1) / format.row_pad * format.row_pad;
  const uint8_t* pixels = nullptr;
  Reply<xcb_get_image_reply_t> sent;
  if (uint32_t segment = x.image.attach(x.xcb(), row * height)) {
    auto cookie = xcb_shm_get_image(x.xcb(), x.root(), left, top, width, height, kAllPlanes,
                                    XCB_IMAGE_FORMAT_Z_PIXMAP, segment, 0);
    Reply<xcb_shm_get_image_reply_t> done(xcb_shm_get_image_reply(x.xcb(), cookie, nullptr));
    if (!done) return std::unexpected(x.lost());
    pixels = x.image.bytes().data();
  } else {
    auto cookie =
        xcb_get_image(x.xcb(), XCB_IMAGE_FORMAT_Z_PIXMAP, x.root(), left, top, width, height, kAllPlanes);
    sent.reset(xcb_get_image_reply(x.xcb(), cookie, nullptr));
    if (!sent || static_cast<size_t>(xcb_get_image_data_length(sent.get())) < row * height)
      return std::unexpected(x.lost());
    pixels = xcb_get_image_data(sent.get());
  }
  for (int y = 0; y < part.height; ++y)
    convert_row(format, pixels + static_cast<size_t>(y) * row, part.width,
                out.at(part.x - area.x, part.y - area.y + y));
  return {};
}

}  // namespace

Result<std::vector<Rect>> displays(Connection& x) {
  TRY(Rect whole, root_area(x));
  std::vector<Rect> out;
  if (x.has(xcb_randr_id)) {
    // The server answers by the version it was told.
    xcb_discard_reply(x.xcb(), xcb_randr_query_version(x.xcb(), 1, 5).sequence);
    Reply<xcb_randr_get_monitors_reply_t> monitors(
        xcb_randr_get_monitors_reply(x.xcb(), xcb_randr_get_monitors(x.xcb(), x.root(), 1), nullptr));
    if (monitors)
      for (auto it = xcb_randr_get_monitors_monitors_iterator(monitors.get()); it.rem;
           xcb_randr_monitor_info_next(&it)) {
        Rect area{it.data->x, it.data->y, it.data->width, it.data->height};
        out.insert(it.data->primary ? out.begin() : out.end(), area);
      }
  }
  if (out.empty()) out.push_back(whole);
  return out;
}

Result<Picture> capture(Connection& x, Rect area) {
  if (static_cast<int64_t>(area.width) * area.height > kMostPixels)
    return fail(Code::bad_request,
                "the region is too large: at most " + std::to_string(kMostPixels) + " pixels");
  TRY(Rect screen, root_area(x));
  TRY(Format format, root_format(x));
  Picture out(area.width, area.height);
  Rect part = common(screen, area);
  if (part.width > 0 && part.height > 0) TRY_VOID(read_pixels(x, format, part, area, out));
  return out;
}

}  // namespace dt::desktop
