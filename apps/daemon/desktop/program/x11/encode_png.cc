// PNG (ISO/IEC 15948), made for speed: one IDAT chunk, every row as the difference to the one above, which is
// mostly zeros on a desktop, and a fast deflate.
#include <libdeflate.h>

#include <memory>

#include "apps/daemon/desktop/program/x11/picture.h"

namespace dt::desktop {
namespace {

constexpr int kLevel = 1;
constexpr uint8_t kFilterUp = 2;
constexpr size_t kChunkExtra = 12;  // length, type, checksum
constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";

void put_u32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (24 - 8 * i));
}

// Fills in what surrounds the data of a chunk: `chunk` points to its length field.
void seal_chunk(char* chunk, const char* type, uint32_t size) {
  put_u32(chunk, size);
  std::copy(type, type + 4, chunk + 4);
  put_u32(chunk + 8 + size, libdeflate_crc32(0, chunk + 4, size + 4));
}

std::string header_chunk(const Picture& picture) {
  constexpr uint32_t kSize = 13;
  std::string chunk(kSize + kChunkExtra, '\0');
  put_u32(chunk.data() + 8, static_cast<uint32_t>(picture.width));
  put_u32(chunk.data() + 12, static_cast<uint32_t>(picture.height));
  chunk[16] = 8;  // bits a sample
  chunk[17] = 2;  // RGB
  seal_chunk(chunk.data(), "IHDR", kSize);
  return chunk;
}

std::vector<uint8_t> filtered(const Picture& picture) {
  size_t row = 3u * static_cast<size_t>(picture.width);
  std::vector<uint8_t> out((row + 1) * static_cast<size_t>(picture.height));
  uint8_t* to = out.data();
  const uint8_t* from = picture.rgb.data();
  for (int y = 0; y < picture.height; ++y, from += row) {
    *to++ = y == 0 ? 0 : kFilterUp;
    if (y == 0) {
      std::copy(from, from + row, to);
    } else {
      const uint8_t* above = from - row;
      for (size_t i = 0; i < row; ++i) to[i] = static_cast<uint8_t>(from[i] - above[i]);
    }
    to += row;
  }
  return out;
}

struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};

}  // namespace

Result<std::string> encode_png(const Picture& picture) {
  std::vector<uint8_t> rows = filtered(picture);
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(libdeflate_alloc_compressor(kLevel));
  if (!compressor) return fail(Code::internal, "no memory for a screenshot");
  size_t bound = libdeflate_zlib_compress_bound(compressor.get(), rows.size());
  std::string out = std::string(kSignature) + header_chunk(picture);
  size_t chunk = out.size();
  out.resize(chunk + bound + kChunkExtra);
  size_t size =
      libdeflate_zlib_compress(compressor.get(), rows.data(), rows.size(), out.data() + chunk + 8, bound);
  seal_chunk(out.data() + chunk, "IDAT", static_cast<uint32_t>(size));
  out.resize(chunk + size + kChunkExtra);
  std::string end(kChunkExtra, '\0');
  seal_chunk(end.data(), "IEND", 0);
  return out + end;
}

}  // namespace dt::desktop
