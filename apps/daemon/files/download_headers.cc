// How names, types and ranges are written in the headers of downloads.
#include <algorithm>
#include <array>

#include "apps/daemon/files/download.h"
#include "apps/daemon/files/media_type.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

struct Type {
  std::string_view extension, type;
};
constexpr std::array kTypes = {
    Type{".css", "text/css; charset=utf-8"},
    Type{".csv", "text/csv; charset=utf-8"},
    Type{".gif", "image/gif"},
    Type{".gz", "application/gzip"},
    Type{".htm", "text/html; charset=utf-8"},
    Type{".html", "text/html; charset=utf-8"},
    Type{".jpeg", "image/jpeg"},
    Type{".jpg", "image/jpeg"},
    Type{".js", "text/javascript; charset=utf-8"},
    Type{".json", "application/json"},
    Type{".md", "text/markdown; charset=utf-8"},
    Type{".mjs", "text/javascript; charset=utf-8"},
    Type{".mp4", "video/mp4"},
    Type{".pdf", "application/pdf"},
    Type{".png", "image/png"},
    Type{".py", "text/x-python"},
    Type{".svg", "image/svg+xml"},
    Type{".tar", "application/x-tar"},
    Type{".txt", "text/plain; charset=utf-8"},
    Type{".wasm", "application/wasm"},
    Type{".webp", "image/webp"},
    Type{".xml", "text/xml; charset=utf-8"},
    Type{".zip", "application/zip"},
};

// One code point of valid UTF-8; `at` moves behind it.
uint32_t next_code_point(std::string_view text, size_t& at) {
  auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  uint32_t value = lead & (0x3FU >> more);
  for (; more > 0 && at < text.size(); --more)
    value = (value << 6) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  return value;
}

}  // namespace

std::string_view media_type(std::string_view path) {
  size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return kAnyType;
  std::string extension = lower(path.substr(dot));
  auto it = std::ranges::find(kTypes, std::string_view(extension), &Type::extension);
  return it == kTypes.end() ? kAnyType : it->type;
}

std::string latin1_name(std::string_view name) {
  std::string text = replace_invalid_utf8(name);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    uint32_t c = next_code_point(text, at);
    if (c == '\r' || c == '\n' || c == 0) continue;
    if (c == '\\' || c == '"') out += '\\';
    out += c < 0x20 || c == 0x7F || c > 0xFF ? '_' : static_cast<char>(c);
  }
  return out;
}

std::string quoted_name(std::string_view name) {
  std::string out;
  for (char c : replace_invalid_utf8(name)) {
    if (c == '\r' || c == '\n' || c == 0) continue;
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string encoded_name(std::string_view name) {
  constexpr std::string_view kKept = "!#$&+-.^_`|~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : name) {
    auto u = static_cast<unsigned char>(c);
    bool letter = (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z');
    if (letter || kKept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[u >> 4];
      out += kHex[u & 15];
    }
  }
  return out;
}

Result<std::optional<ByteRange>> parse_range(std::string_view header, uint64_t size) {
  if (!header.starts_with("bytes=")) return std::nullopt;
  header = trim(header.substr(6));
  size_t dash = header.find('-');
  // Several ranges may be answered with the whole file.
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return std::nullopt;
  std::string_view from = trim(header.substr(0, dash)), to = trim(header.substr(dash + 1));
  auto outside = fail(Code::range_not_satisfiable, "invalid range: failed to overlap");
  if (from.empty()) {
    auto count = parse_int(to);
    if (!count || *count < 0) return std::nullopt;
    if (*count == 0 || size == 0) return outside;
    uint64_t length = std::min(size, static_cast<uint64_t>(*count));
    return ByteRange{size - length, length};
  }
  auto first = parse_int(from);
  auto last = to.empty() ? std::optional<int64_t>(INT64_MAX) : parse_int(to);
  if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
  if (static_cast<uint64_t>(*first) >= size) return outside;
  uint64_t end = std::min(size - 1, static_cast<uint64_t>(*last));
  return ByteRange{static_cast<uint64_t>(*first), end - static_cast<uint64_t>(*first) + 1};
}

}  // namespace dt::daemon
