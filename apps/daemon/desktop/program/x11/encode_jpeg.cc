#include <csetjmp>
#include <cstdio>
// After <cstdio>, which it needs.
#include <jpeglib.h>

#include <cstdlib>

#include "apps/daemon/desktop/program/x11/picture.h"

namespace dt::desktop {
namespace {

constexpr int kLongestSide = 65'500;  // of the format's implementation

struct ErrorHandler {
  jpeg_error_mgr manager;
  jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void fail_jpeg(j_common_ptr info) {
  auto* handler = reinterpret_cast<ErrorHandler*>(info->err);
  handler->manager.format_message(info, handler->message);
  std::longjmp(handler->back, 1);
}

void ignore_message(j_common_ptr) {}

struct Output {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
};

// Between setjmp and longjmp nothing may have a destructor. False: failed, see the handler.
bool compress(jpeg_compress_struct& info, ErrorHandler& handler, const Picture& picture, int quality,
              Output& out) {
  if (setjmp(handler.back)) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &out.bytes, &out.size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPLE*>(picture.at(0, static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Result<std::string> encode_jpeg(const Picture& picture, int quality) {
  if (picture.width > kLongestSide || picture.height > kLongestSide)
    return fail(Code::bad_request, "the picture is too large for JPEG: take a smaller region");
  ErrorHandler handler{};
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&handler.manager);
  handler.manager.error_exit = fail_jpeg;
  handler.manager.output_message = ignore_message;
  Output out;
  bool done = compress(info, handler, picture, quality, out);
  jpeg_destroy_compress(&info);
  std::string bytes = done ? std::string(reinterpret_cast<char*>(out.bytes), out.size) : "";
  std::free(out.bytes);
  if (!done) return fail(Code::internal, std::string("JPEG: ") + handler.message);
  return bytes;
}

}  // namespace dt::desktop
